/** What names are asked for, as patterns of SQL's `LIKE … ESCAPE '\'`. */

/** Every character stands for itself but `*`, which is any run of characters. */
export function likePattern(pattern: string): string {
  return escapeLike(pattern).replaceAll('*', '%');
}

/** Whatever has `part` in it. */
export function likePart(part: string): string {
  return `%${escapeLike(part)}%`;
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}
