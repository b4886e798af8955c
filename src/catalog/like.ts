/** Patterns of the API, in which `*` matches any run of characters, as patterns of SQL's LIKE. */

/** For `LIKE … ESCAPE '\'`: every character but `*` stands for itself. */
export function likePattern(pattern: string): string {
  return pattern.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%');
}
