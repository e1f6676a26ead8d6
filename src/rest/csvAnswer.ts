import { stringify } from 'csv-stringify';
import type { RestAnswer } from './rest.ts';

/** A CSV file, written as its rows are read. Values come from outside: a spreadsheet must not run them. */
export function csvAnswer(name: string, columns: string[], rows: AsyncIterable<object>): RestAnswer {
  const csv = stringify({ header: true, columns, escape_formulas: true });
  void (async () => {
    for await (const row of rows) {
      if (csv.destroyed) return;
      if (!csv.write(row)) await new Promise((resolve) => csv.once('drain', resolve).once('close', resolve));
    }
    csv.end();
  })().catch((error: Error) => csv.destroy(error));
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/csv; charset=utf-8; header=present',
      'Content-Disposition': `attachment; filename="${name}.csv"`,
    },
    body: csv,
  };
}
