import { describe, expect, test } from 'vitest';
import { plantTree } from '../support/plantTree.ts';
import { runScript } from '../support/runScript.ts';

const script = 'scripts/checkDocs.ts';

const tree = {
  'package.json': '{ "scripts": { "test": "true", "import": "true", "check:all": "true" } }',
  '.gitignore': 'node_modules/\n.data/\ngenerated/\n*.log\n',
  'src/core/database.ts': '',
  'scripts/seed.ts': '',
  'docs/guide.md': '# The guide\n\n## `Run` it, now!\n\n## Again\n\n## Again\n',
};

const readme = `
# Frontdesk

Run \`npm test\`, \`npm run import -- <file>\`, \`npm run check:all\` or \`node --watch scripts/seed.ts --force\`.

\`\`\`sh
npm ci && npm run import -- customers.csv
node scripts/seed.ts
curl http://127.0.0.1:4000/rest/v1/imports
\`\`\`

\`\`\`ts
import { nothing } from './nothing/here.ts'; // code is an example, not a claim
\`\`\`

The files \`src/core/database.ts\`, \`core/database.ts\`, \`database.ts\`, \`src/core/\`, \`src/*/database.ts\`,
\`src/generated/prisma/client.ts\` and \`.data/postgres\` exist, or are made. \`/rest/v1/imports\`, \`application/json\`,
\`@pothos/core\`, \`customers.read\`, \`a/b\` and \`src/...\` are no paths.

[Guide](docs/guide.md), [run](docs/guide.md#run-it-now), [again](docs/guide.md#again-1), [here](#frontdesk),
[far](https://example.com/x.md), [ref].

[ref]: ./src/core
`;

const dead: [title: string, text: string, named: string][] = [
  ['an npm script', 'Run `npm run improt`.', 'the command `npm run improt`'],
  ['an npm script in a block', '```sh\nnpm run -s gone\n```', 'the command `npm run gone`'],
  ['npm start without a start script', '```\nnpm start\n```', 'the command `npm run start`'],
  ['a script for node', '```sh\nnode --watch scripts/gone.ts\n```', '`node scripts/gone.ts`'],
  ['a file', 'See `src/core/gone.ts`.', '`src/core/gone.ts`'],
  ['a file by its name alone', 'See `gone.ts`.', '`gone.ts`'],
  ['a folder', 'See `src/gone/`.', '`src/gone/`'],
  ['a new top folder', 'See `gone/`.', '`gone/`'],
  ['a pattern', 'See `src/*/gone.ts`.', '`src/*/gone.ts`'],
  ['a path in a command', '```sh\npsql -f src/core/gone\n```', '`src/core/gone`'],
  ['a link', 'See [this](docs/gone.md).', 'docs/gone.md'],
  ['a link by reference', '[this]: docs/gone.md', 'docs/gone.md'],
  ['an anchor', 'See [this](docs/guide.md#gone).', 'docs/guide.md#gone'],
  ['an anchor of the same document', 'See [this](#gone).', '#gone'],
];

describe('The documents', () => {
  test('may name what exists', () => {
    using planted = plantTree({ ...tree, 'README.md': readme });
    expect(runScript([script, planted.root])).toEqual({
      ok: true,
      lines: ['Documents: 2 read, 0 dead references.'],
    });
  });

  test.each(dead)('are caught when they name %s that does not exist', (_, text, named) => {
    using planted = plantTree({ ...tree, 'ARCHITECTURE.md': text });
    const { ok, lines } = runScript([script, planted.root]);
    expect(lines).toContain(`ARCHITECTURE.md names ${named}, which does not exist.`);
    expect(ok).toBe(false);
  });

  test('are missed when there are none', () => {
    using planted = plantTree({ 'package.json': '{}' });
    expect(runScript([script, planted.root]).ok).toBe(false);
  });

  test('of this repository name only what exists', () => {
    expect(runScript([script])).toMatchObject({ ok: true });
  });
});
