import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import type { FileFormat } from './mapping.ts';

/** The file as a whole cannot be read. The message is for people. */
export class UnreadableFile extends Error {
  override name = 'UnreadableFile';
}

/** Bytes of one row, and of what an archive may unpack to. */
const maxRow = 1_000_000;
const maxUnpacked = 8 * 1024 ** 3;
/** Bytes handed on at once. */
const part = 65_536;

/** The bytes of the file itself: unpacked if it is a gzip archive. */
export async function* contentOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < 2) {
    const next = await source.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* whole() {
    yield start;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  }
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    for await (const bytes of whole())
      for (let at = 0; at < bytes.length; at += part) yield bytes.subarray(at, at + part);
    return;
  }
  const packed = Readable.from(whole());
  const gunzip = createGunzip();
  packed.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  try {
    let size = 0;
    for await (const bytes of gunzip) {
      size += bytes.length;
      if (size > maxUnpacked) throw new UnreadableFile('The archive unpacks to more than 8 GiB.');
      yield bytes;
    }
  } catch (error) {
    if (String((error as NodeJS.ErrnoException).code).startsWith('Z_'))
      throw new UnreadableFile(`The gzip archive is damaged: ${(error as Error).message}.`);
    throw error;
  } finally {
    packed.destroy();
  }
}

/** The rows of a file as lists of cells, many at a time; the first row is the header unless the format names the columns. */
export async function* fileRows(
  content: AsyncIterable<Uint8Array>,
  format: FileFormat,
): AsyncGenerator<string[][]> {
  const texts = decoded(content, format.encoding);
  return yield* format.delimiter === 'whitespace' ? wordRows(texts) : csvRows(texts, format.delimiter);
}

async function* decoded(content: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let bytes = 0;
  try {
    for await (const part of content) {
      const text = decoder.decode(part, { stream: true });
      bytes += part.length;
      if (text) yield text;
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UnreadableFile(
      `The file is not valid ${encoding}, near byte ${bytes}: say its encoding in the mapping.`,
    );
  }
}

async function* csvRows(texts: AsyncIterable<string>, delimiter: string): AsyncGenerator<string[][]> {
  const parser = parse({
    delimiter,
    relax_column_count: true, // A row with too few or too many cells is refused alone.
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRow,
  });
  const failure = new Promise<never>((_, reject) => parser.once('error', reject));
  failure.catch(() => {});
  const drained = () => Promise.race([failure, new Promise((resolve) => parser.once('drain', resolve))]);
  const ready = () => {
    const rows: string[][] = [];
    for (let row = parser.read(); row !== null; row = parser.read()) rows.push(row);
    return rows;
  };
  try {
    for await (const text of texts) {
      const full = !parser.write(text);
      const rows = ready();
      if (rows.length > 0) yield rows;
      if (full && parser.writableNeedDrain) await drained();
    }
    const ended = Promise.race([failure, new Promise((resolve) => parser.once('end', resolve))]);
    parser.end();
    const rest: string[][] = [];
    parser.on('readable', () => rest.push(...ready()));
    await ended;
    yield rest;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UnreadableFile(`The file cannot be read as CSV: ${error.message}.`);
  } finally {
    parser.destroy();
  }
}

async function* wordRows(texts: AsyncIterable<string>): AsyncGenerator<string[][]> {
  let rest = '';
  const rowsOf = (lines: string[]) =>
    lines.map((line) => line.trim().split(/\s+/)).filter((cells) => cells[0] !== '');
  for await (const text of texts) {
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() as string;
    if (rest.length > maxRow) throw new UnreadableFile('A row is longer than 1 MB.');
    yield rowsOf(lines);
  }
  yield rowsOf([rest]);
}
