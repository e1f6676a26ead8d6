// Types of the GraphQL documents that the project's own clients send: npm run codegen
// A document is written `graphql(`query ...`)`. Only types are taken from the output (cli/ and test/ need nothing
// generated to run), so it is not committed but made before the type check.

import { existsSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { preset } from '@graphql-codegen/client-preset';

type Options = Parameters<typeof preset.buildGeneratesSection>[0];
type Documents = Options['documents'];

const documentsOf = {
  cli: { documents: 'cli/**/*.ts', output: 'cli/generated/' },
  dashboard: { documents: 'dashboard/src/**/*.{ts,tsx}', output: 'dashboard/src/generated/' },
  test: { documents: 'test/**/*.ts', output: 'test/support/generated/' },
};

export default {
  schema: 'schema.graphql',
  ignoreNoDocuments: true,
  generates: Object.fromEntries(
    Object.entries(documentsOf)
      .filter(([folder]) => existsSync(folder))
      .map(([, { documents, output }]) => [
        output,
        {
          documents,
          preset: {
            ...preset,
            buildGeneratesSection: async (options: Options) => {
              const documents = distinct(options.documents);
              const files = await preset.buildGeneratesSection({ ...options, documents });
              // Without a document, what is generated has unused and missing imports.
              const unchecked = { add: { content: '// @ts-nocheck' } };
              return files.map((file) => ({ ...file, plugins: [unchecked, ...file.plugins] }));
            },
          },
          presetConfig: { fragmentMasking: false, skipIndexFile: true },
          config: {
            documentMode: 'string',
            enumType: 'string-literal',
            useTypeImports: true,
            importExtension: '.ts',
            emitLegacyCommonJSImports: false,
            defaultScalarType: 'string', // as they travel
            scalars: { JSON: 'unknown' },
          },
        },
      ]),
  ),
} satisfies CodegenConfig;

/** Documents need no name, and not a name of their own among all files: in the types, names get a number. */
export function distinct(documents: Documents): Documents {
  const counts = new Map<string, number>();
  const byText = new Map(documents.map((source) => [source.rawSDL, source]));
  return [...byText.values()].map((source) => ({
    ...source,
    document: source.document && {
      ...source.document,
      definitions: source.document.definitions.map((definition) => {
        if (definition.kind !== 'OperationDefinition') return definition;
        const name = definition.name?.value ?? 'Unnamed';
        const count = (counts.get(name) ?? 0) + 1;
        counts.set(name, count);
        const value = count === 1 ? name : `${name}_${count}`;
        return { ...definition, name: { kind: 'Name', value } };
      }),
    },
  })) as Documents;
}
