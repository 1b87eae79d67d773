// Which behaviour works in which step. A new step is a new column.

const yes = true;
const not = false;

// Not tried: floods and long waits take their time, and no step before step-22
// has anything against them either.
const dash = null;

export const EXPECTED = {
  "sender-sees-it":         { 15: yes, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "recipient-reloads":      { 15: yes, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "survives-restart":       { 15: yes, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "text-stays-text":        { 15: yes, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "says-whether-live":      { 15: not, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "server-is-told":         { 15: not, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "live-again":             { 15: not, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "works-without-client":   { 15: not, 16: yes, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "recipient-sees-it":      { 15: not, 16: not, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "all-tabs":               { 15: not, 16: not, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "nobody-else":            { 15: not, 16: not, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "unknown-is-refused":     { 15: not, 16: not, 17: yes, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "lobby":                  { 15: not, 16: not, 17: not, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "lobby-apart":            { 15: not, 16: not, 17: not, 18: yes, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "nothing-in-between":     { 15: not, 16: not, 17: not, 18: not, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "sent-while-away":        { 15: not, 16: not, 17: not, 18: not, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "dropped-event":          { 15: not, 16: not, 17: not, 18: not, 19: yes, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "sent-twice-stored-once": { 15: not, 16: not, 17: not, 18: not, 19: not, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "sent-when-back":         { 15: not, 16: not, 17: not, 18: not, 19: not, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "survives-closing":       { 15: not, 16: not, 17: not, 18: not, 19: not, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "outbox-of-a-database":   { 15: not, 16: not, 17: not, 18: not, 19: not, 20: yes, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "sign-in":                { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "no-reading-of-others":   { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "no-writing-as-others":   { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "no-joining-of-others":   { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: yes, 22: yes, 23: yes, 24: yes, 25: yes },
  "no-foreign-website":     { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: not, 22: yes, 23: yes, 24: yes, 25: yes },
  "no-foreign-frame":       { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: not, 22: yes, 23: yes, 24: yes, 25: yes },
  "guesses-stop":          { 15: dash, 16: dash, 17: dash, 18: dash, 19: dash, 20: dash, 21: dash, 22: not, 23: yes, 24: yes, 25: yes },
  "lobby-flood":           { 15: dash, 16: dash, 17: dash, 18: dash, 19: dash, 20: dash, 21: dash, 22: not, 23: yes, 24: yes, 25: yes },
  "unread-log":            { 15: dash, 16: dash, 17: dash, 18: dash, 19: dash, 20: dash, 21: dash, 22: not, 23: yes, 24: yes, 25: yes },
  "half-a-request":        { 15: dash, 16: dash, 17: dash, 18: dash, 19: dash, 20: dash, 21: dash, 22: not, 23: yes, 24: yes, 25: yes },
  "many-in-order":          { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: not, 22: not, 23: not, 24: yes, 25: yes },
  "two-servers":            { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: not, 22: not, 23: not, 24: not, 25: yes },
  "server-killed":          { 15: not, 16: not, 17: not, 18: not, 19: not, 20: not, 21: not, 22: not, 23: not, 24: not, 25: yes },
};
