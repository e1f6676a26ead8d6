// Holds the event catalogue to what it has promised, src/events/catalogue.snapshot.json:
//   node scripts/eventCatalogue.ts [root]           fails when a schema changed within its version or a version is gone
//   node scripts/eventCatalogue.ts --write [root]   adds new types and new versions to the snapshot; never changes one

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { compareEvents, write } from './eventChanges.ts';

const { values: options, positionals } = parseArgs({
  options: { write: { type: 'boolean' } },
  allowPositionals: true,
});
const root = resolve(positionals[0] ?? `${import.meta.dirname}/..`);
const path = join(root, 'src/events/catalogue.snapshot.json');

const { catalogue } = await import(pathToFileURL(join(root, 'src/events/catalogue.ts')).href);
const { problems, added, after } = compareEvents(
  catalogue,
  existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {},
);
for (const problem of problems) console.error(problem);

if (options.write) {
  const sorted = Object.fromEntries(Object.entries(after).sort(([a], [b]) => (a < b ? -1 : 1)));
  // Short lists on one line, as the formatter has them.
  const text = JSON.stringify(sorted, null, 2).replaceAll(
    /\[\s+([^[\]{}]+?)\s+\]/g,
    (list, items: string) => {
      const line = `[${items.replaceAll(/\s*\n\s*/g, ' ')}]`;
      return line.length < 80 ? line : list;
    },
  );
  writeFileSync(path, `${text}\n`);
  for (const one of added) console.log(`added ${one}`);
} else {
  for (const one of added) console.error(`${one} is not in the snapshot yet. Run: ${write}`);
}
const bad = problems.length + (options.write ? 0 : added.length);
console.log(`Events: ${Object.keys(catalogue).length} types, ${bad} problems.`);
if (bad > 0) process.exitCode = 1;
