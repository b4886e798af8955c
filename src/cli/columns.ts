/** Tables of Hupo's own commands: titles, then a line a row, columns two spaces apart. (`hupo ecs --output` is the aliyun CLI's, in `table.ts`.) Pure. */
import { displayWidth } from './display-width.ts';

export interface ColumnShape {
  align: 'left' | 'right';
  /** At least, so that the pictures of a watch stand still. */
  width: number;
}

/** All columns left; with the line break of the last line. */
export function formatRows(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const shapes = titles.map(() => ({ align: 'left', width: 0 }) as const);
  return `${alignCells([titles, ...rows], shapes).join('\n')}\n`;
}

/** Each column as wide as its widest cell; nothing is padded at a line's end. Control characters of names are shown as spaces. */
export function alignCells(rows: readonly (readonly string[])[], columns: readonly ColumnShape[]): string[] {
  const shown = rows.map((row) => row.map((cell) => cell.replaceAll(/\p{Cc}/gu, ' ')));
  const widths = columns.map(({ width }, column) =>
    Math.max(width, ...shown.map((row) => displayWidth(row[column] ?? ''))),
  );
  const pad = (cell: string, column: number) => {
    const room = ' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell)));
    return columns[column]?.align === 'right' ? room + cell : cell + room;
  };
  return shown.map((row) => row.map(pad).join('  ').trimEnd());
}
