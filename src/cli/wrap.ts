/** Text for a terminal of the usual width. */

const WIDTH = 100;

/** Lines of at most `WIDTH`, each indented; a single word may be longer. */
export function wrap(text: string, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const isFull = line !== '' && indent + line.length + 1 + word.length > Math.max(WIDTH, indent + 50);
    if (isFull) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => ' '.repeat(indent) + line).join('\n');
}
