import type { FileFormat } from './mapping.ts';

/** The names of the columns: those of the format, or else the cells of the first row; one without a name is `column 3`. */
export function headerOf(format: FileFormat, firstRow: readonly string[]): string[] {
  return format.columns ?? firstRow.map((name, at) => name.trim() || `column ${at + 1}`);
}
