import type { IRegularForbiddenRuleType } from 'dependency-cruiser';

// The law of imports of ARCHITECTURE.md, as data. `node scripts/checkImports.ts` holds it.
// Paths are matched from the root of the repository, with forward slashes.

/** From the top down. A folder of `src` may import any folder on a later line, never one on its own line or above. */
export const layers = [
  ['main'], // src/main.ts
  ['server'],
  ['schema', 'rest', 'jobs'],
  ['resolvers'],
  ['scoring', 'workflows', 'analytics'],
  ['conditions', 'integrations'],
  ['events'],
  ['core'],
];

/** The only files of `src/schema` that may touch the database. Everywhere else data comes through the read helpers. */
export const mayReadDatabase = /^src\/schema\/(builder|narrowed|node|read)\.ts$/;

const database = '^src/core/database\\.ts$';
const databasePackages = '(^|node_modules/)(@prisma|pg|graphile-worker|ioredis)(/|$)';
const graphqlPackages = [
  '(^|node_modules/)graphql[^/]*(/|$)',
  '(^|node_modules/)@(pothos/|envelop/|graphql-)',
];
const clients = '^(cli|dashboard|zapier|bench)/';

export const law: IRegularForbiddenRuleType[] = [
  ...layers.flatMap((folders, depth) => {
    const below = layers.slice(depth + 1).flat();
    return folders.map((folder) =>
      rule(
        `layer of ${folder}`,
        `${folder} may import only ${below.length ? `itself and ${below.join(', ')}` : 'itself'}`,
        { path: place(folder) },
        { path: '^src/', pathNot: ['^src/generated/', ...[folder, ...below].map(place)] },
      ),
    );
  }),
  rule(
    'src stands alone',
    'src imports nothing of its clients, tests and scripts',
    { path: '^src/' },
    { path: '^(cli|dashboard|zapier|bench|test|scripts)/' },
  ),
  rule(
    'clients',
    'cli, dashboard, zapier and bench are clients of the public API and import nothing from src',
    { path: clients },
    { path: '^src/' },
  ),
  rule(
    'one adapter, one system',
    'an adapter never imports another adapter',
    { path: '^src/integrations/([^/]+)/' },
    { path: '^src/integrations/[^/]+/', pathNot: '^src/integrations/$1/' },
  ),
  rule(
    'adapters know no database',
    'an adapter knows no database, no queue and no bus',
    { path: '^src/integrations/' },
    { path: [database, '^src/core/(queue|bus)\\.ts$', databasePackages] },
  ),
  rule(
    'who calls adapters',
    'adapters are called only from jobs, rest and resolvers/connections',
    {
      path: '^src/',
      pathNot: ['^src/integrations/', '^src/(jobs|rest|resolvers/connections)/', '^src/main\\.ts$'],
    },
    { path: '^src/integrations/[^/]+/' },
  ),
  rule(
    'engines do no I/O',
    'scoring, workflows, analytics and conditions take data and a clock and do no I/O',
    { path: '^src/(scoring|workflows|analytics|conditions)/' },
    {
      path: [database, databasePackages, '^(node:)?(fs|net|http|https|child_process)(/|$)'],
      dependencyTypesNot: ['type-only'],
    },
  ),
  rule(
    'who knows GraphQL',
    'only src/schema and src/server import graphql, its servers and Pothos',
    { path: '^src/', pathNot: '^src/(schema|server|generated)/' },
    { path: graphqlPackages },
  ),
  rule(
    'who knows Prisma',
    'only src/core/database.ts and src/schema/builder.ts import the generated Prisma client',
    { path: '^src/', pathNot: ['^src/generated/', database, '^src/schema/builder\\.ts$'] },
    { path: '(^|/)generated/(prisma|pothos)' },
  ),
  rule(
    'no cycles',
    'imports must not go round in a circle',
    { pathNot: '(^|/)generated/' },
    { circular: true },
  ),
  rule(
    'found',
    'there is no such file or package',
    { pathNot: '^bench/peers/' }, // has packages of its own, which need not be installed
    { couldNotResolve: true, pathNot: '(^|/)generated/' }, // written by `prisma generate` and `npm run codegen`
  ),
];

function rule(
  name: string,
  comment: string,
  from: IRegularForbiddenRuleType['from'],
  to: IRegularForbiddenRuleType['to'],
): IRegularForbiddenRuleType {
  return { name, comment, severity: 'error', from, to };
}

function place(folder: string): string {
  return folder === 'main' ? '^src/main\\.ts$' : `^src/${folder}/`;
}
