import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { contentOf, fileRows } from '../../../src/resolvers/imports/fileRows.ts';
import { headerOf } from '../../../src/resolvers/imports/headerOf.ts';
import { compileMapping, ImportMapping } from '../../../src/resolvers/imports/mapping.ts';
import { createRowParser } from '../../../src/resolvers/imports/readRow.ts';
import { testClock } from '../../support/context.ts';

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(content: string | Uint8Array, format: object = {}, size = 7): Promise<string[][]> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const { format: full } = ImportMapping.parse({ format, customer: {} });
  return (await Array.fromAsync(fileRows(contentOf(inPieces(bytes, size)), full))).flat();
}

test('CSV as programs write it: quotes, line ends of every kind, a byte order mark, empty lines, cells over several lines.', async () => {
  const text = '\uFEFFa,b\r\n1,"x, ""y"""\r\n\r\n2,"two\nlines"\r\n3,O"Neil\r\n4,ünï 🎉';
  const expected = [
    ['a', 'b'],
    ['1', 'x, "y"'],
    ['2', 'two\nlines'],
    ['3', 'O"Neil'],
    ['4', 'ünï 🎉'],
  ];
  for (const size of [1, 3, 7, 1_000]) {
    expect(await rowsOf(text, {}, size)).toEqual(expected);
    expect(await rowsOf(gzipSync(text), {}, size)).toEqual(expected);
  }
  expect(await rowsOf('a;b\n1;2', { delimiter: ';' })).toEqual([
    ['a', 'b'],
    ['1', '2'],
  ]);
  expect(await rowsOf('a\tb\n1\t2\n', { delimiter: '\t' })).toEqual([
    ['a', 'b'],
    ['1', '2'],
  ]);
  expect(await rowsOf('')).toEqual([]);
});

test('Columns apart by spaces, however many, and without an end of line at the end.', async () => {
  for (const size of [1, 5, 1_000])
    expect(await rowsOf(' a  b\r\n 1   2\n\n3\t4', { delimiter: 'whitespace' }, size)).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['3', '4'],
    ]);
});

test('Other encodings are read as the mapping says; what is not of the encoding is an error that says where.', async () => {
  const latin = Buffer.from('naïve,Zoë', 'latin1');
  expect(await rowsOf(latin, { encoding: 'windows-1252' })).toEqual([['naïve', 'Zoë']]);
  await expect(rowsOf(latin)).rejects.toThrow('not valid utf-8, near byte');
  expect(await rowsOf(Buffer.from('a,ü', 'utf16le'), { encoding: 'utf-16le' })).toEqual([['a', 'ü']]);
});

test('A damaged archive, an unclosed quote and a row without end are errors for people.', async () => {
  const packed = gzipSync('a,b\n'.repeat(10_000));
  await expect(rowsOf(packed.subarray(0, packed.length - 9), {}, 1_000)).rejects.toThrow(
    'gzip archive is damaged',
  );
  await expect(rowsOf('a,b\n1,"x\n2,y\n')).rejects.toThrow('cannot be read as CSV');
  await expect(rowsOf(`a,"${'x'.repeat(1_100_000)}`, {}, 65_536)).rejects.toThrow('cannot be read as CSV');
  await expect(rowsOf('x'.repeat(1_100_000), { delimiter: 'whitespace' }, 65_536)).rejects.toThrow(
    'longer than 1 MB',
  );
});

describe('Every row of the files that ship', { timeout: 180_000 }, () => {
  const open = (file: string) => readFileSync(new URL(`../../../demo/${file}`, import.meta.url));

  test.each([
    [
      'cdnow',
      'CDNOW_master.txt.gz',
      { rows: 69_659, bookings: 69_659, payments: 69_659, refused: 0, because: {} },
    ],
    [
      'hotel',
      'hotels.csv.gz',
      {
        ...{ rows: 119_390, bookings: 118_564, payments: 74_388, refused: 826 },
        because: {
          'No nights.': 715,
          'No guests.': 180,
          'Must be zero or more, with at most 2 decimal places for EUR.': 1,
        },
      },
    ],
  ])('of %s is read, or refused by the rule that its mapping states.', async (name, file, expected) => {
    const mapping = ImportMapping.parse(JSON.parse(open(`${name}/mapping.json`).toString()));
    const ctx = {
      workspace: { timeZone: 'UTC', country: 'PT', currency: 'EUR' },
      clock: testClock(),
    } as never;
    const counts = { rows: 0, bookings: 0, payments: 0, refused: 0, because: {} as Record<string, number> };
    let parse: ReturnType<typeof createRowParser> | null = null;
    for await (const rows of fileRows(contentOf(inPieces(open(`${name}/${file}`), 65_536)), mapping.format)) {
      for (const cells of rows) {
        if (!parse) {
          parse = createRowParser(ctx, mapping, compileMapping(mapping, headerOf(mapping.format, cells)));
          continue;
        }
        const row = parse({ number: ++counts.rows, identity: `file:x:${counts.rows}`, cells });
        if (!Array.isArray(row)) {
          if (row.booking) counts.bookings++;
          if (row.payment) counts.payments++;
          continue;
        }
        counts.refused++;
        for (const message of new Set(row.map(({ message }) => message)))
          counts.because[message] = (counts.because[message] ?? 0) + 1;
      }
    }
    expect(counts).toEqual(expected);
  });
});
