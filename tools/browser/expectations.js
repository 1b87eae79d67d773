// Which behaviour works in which step. A new step is a new column.

const yes = true;
const not = false;

export const EXPECTED = {
  "sender-sees-it":         { 15: yes, 16: yes, 17: yes },
  "recipient-reloads":      { 15: yes, 16: yes, 17: yes },
  "survives-restart":       { 15: yes, 16: yes, 17: yes },
  "text-stays-text":        { 15: yes, 16: yes, 17: yes },
  "says-whether-live":      { 15: not, 16: yes, 17: yes },
  "server-is-told":         { 15: not, 16: yes, 17: yes },
  "live-again":             { 15: not, 16: yes, 17: yes },
  "works-without-client":   { 15: not, 16: yes, 17: yes },
  "recipient-sees-it":      { 15: not, 16: not, 17: yes },
  "all-tabs":               { 15: not, 16: not, 17: yes },
  "nobody-else":            { 15: not, 16: not, 17: yes },
  "unknown-is-refused":     { 15: not, 16: not, 17: yes },
  "lobby":                  { 15: not, 16: not, 17: not },
  "nothing-in-between":     { 15: not, 16: not, 17: not },
  "sent-while-away":        { 15: not, 16: not, 17: not },
  "sent-twice-stored-once": { 15: not, 16: not, 17: not },
  "sign-in":                { 15: not, 16: not, 17: not },
  "no-reading-of-others":   { 15: not, 16: not, 17: not },
  "no-writing-as-others":   { 15: not, 16: not, 17: not },
  "no-joining-of-others":   { 15: not, 16: not, 17: not },
  "no-foreign-website":     { 15: not, 16: not, 17: not },
};
