// Finds the browser. Nothing is downloaded: an installed Chromium or Chrome
// will do.

import { accessSync, constants } from "node:fs";

const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

export function chromium() {
  const chosen = process.env.CHROMIUM;
  if (chosen) {
    if (canRun(chosen)) return chosen;
    throw new Error(`CHROMIUM=${chosen} is not a program that can be run`);
  }
  const found = USUAL_PLACES.find(canRun);
  if (found) return found;
  throw new Error(
    "there is no Chromium at the usual places: install one (Debian: " +
      "apt-get install chromium), or say where it is: CHROMIUM=/path/to/chromium",
  );
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
