/**
 * The wildcards of policies: `*` is any run of characters, `?` is any one. In time proportional to the two lengths
 * multiplied, whatever is written: a policy that is slow to match would hold up everybody's requests.
 */

/** Whether the whole of `text` is what `pattern` says. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let inText = 0;
  let star = -1;
  let resumeAt = 0;
  while (inText < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      resumeAt = inText;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[inText])) {
      at++;
      inText++;
    } else if (star >= 0) {
      at = star + 1; // the last run takes one more
      inText = ++resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** How many parts the name of a resource has: `acs:SERVICE:REGION:ACCOUNT:WHAT`; the last may hold colons. */
const PARTS = 5;

/** The parts of `acs:…`, or null when it is none. */
export function splitResourceName(name: string): string[] | null {
  const pieces = name.split(':');
  if (pieces.length < PARTS || pieces[0] !== 'acs') return null;
  return [...pieces.slice(0, PARTS - 1), pieces.slice(PARTS - 1).join(':')];
}

/** Part by part, so that no wildcard reaches over a colon into another part; `*` alone is everything. */
export function matchesResource(pattern: string, name: string): boolean {
  if (pattern === '*') return true;
  const wanted = splitResourceName(pattern);
  const parts = splitResourceName(name);
  if (wanted === null || parts === null) return false;
  return wanted.every((part, index) => matchesPattern(part, parts[index] ?? ''));
}

/** `ecs:Describe*`, in any case. */
export function matchesAction(pattern: string, action: string): boolean {
  return pattern === '*' || matchesPattern(pattern.toLowerCase(), action.toLowerCase());
}
