/**
 * Lists: what every list of the schema costs the database, in every order, with every filter and search and with two
 * of them together, in a business of 1,000,000 customers, 5,000,000 bookings and as many events. Starts a PostgreSQL of
 * its own, fills it by SQL, asks through the schema and explains every statement that was sent. Prints for each way to
 * ask the rows and pages of 8 KiB that were looked at for a page of 50, the time in the database and the indexes used,
 * and at the end the worst.
 *
 * The ways to ask, and what each may cost, are those of the test `test/reads/plans.test.ts`, which has 50,000 customers:
 * hence this imports from there, and runs the schema in this process rather than behind HTTP, where the statements
 * could not be told from each other.
 *
 * npm run bench:lists [customers, 1000000 when left out, 50000 at least] [bookings of each, 5] [directory of the database]
 */
import { bigBusiness, uuid } from '../test/reads/bigBusiness.ts';
import { startBigServer } from '../test/reads/bigServer.ts';
import {
  allowedRows,
  type Measured,
  measureLists,
  usual,
  usualScoped,
  viewerOf,
} from '../test/reads/measure.ts';

const [customers = 1_000_000, bookings = 5] = process.argv.slice(2, 4).map(Number);
const began = performance.now();
const server = await startBigServer({ customers, bookings }, process.argv[4]);
const took = Math.round((performance.now() - began) / 1_000);
console.log(`${customers} customers with ${customers * bookings} bookings, made in ${took} s.`);
try {
  const { url, db } = server;
  const everybody = await measureLists(
    { url, db, big: bigBusiness, viewer: viewerOf(bigBusiness, null) },
    { name: /./, thorough: true },
  );
  report('A viewer who reaches everybody', everybody, usual);
  const few = { ...bigBusiness, busyCustomer: uuid('7', 24_000), quietCustomer: uuid('7', 31_000) };
  for (const [share, big, principal] of [
    ['a thousandth of the customers', few, bigBusiness.ownerOfFew],
    ['nine tenths of the customers', bigBusiness, bigBusiness.staffOfMost],
  ] as const) {
    const measured = await measureLists(
      { url, db, big, viewer: viewerOf(big, [principal]) },
      { name: /^Query\.(customers|bookings|payments|activities)$/, thorough: false },
    );
    report(`A viewer who reaches ${share}`, measured, usualScoped);
  }
} finally {
  await server.close();
}

function report(viewer: string, measured: Measured[], perRow: number): void {
  const asked = measured.filter(({ refused }) => refused === undefined);
  console.log(`\n${viewer}\n`);
  for (const { name, rows, pages, milliseconds, plan } of asked)
    console.log(`${name}: ${rows} rows, ${pages} pages, ${milliseconds.toFixed(1)} ms; ${plan}`);
  const by = (value: (one: Measured) => number) => asked.toSorted((a, b) => value(b) - value(a));
  const middle = by(({ milliseconds }) => milliseconds)[Math.floor(asked.length / 2)];
  const [mostRows] = by(({ rows }) => rows);
  const [slowest] = by(({ milliseconds }) => milliseconds);
  const over = asked.filter((one) => one.rows > allowedRows(one, perRow));
  console.log(`\n${viewer}: ${asked.length} ways to ask, ${measured.length - asked.length} refused.`);
  const shown = over.toSorted((a, b) => b.rows - a.rows).slice(0, 10);
  console.log(`More rows than the page allows: ${over.length}; the most of them:`);
  for (const one of shown)
    console.log(
      `  ${one.name}: ${one.rows} rows where ${allowedRows(one, perRow)} are allowed, ${one.milliseconds.toFixed(1)} ms`,
    );
  console.log(`Median time: ${middle?.milliseconds.toFixed(1)} ms.`);
  console.log(
    `Most rows: ${mostRows?.rows}, ${mostRows?.name}. Slowest: ${slowest?.milliseconds.toFixed(1)} ms, ${slowest?.name}.`,
  );
}
