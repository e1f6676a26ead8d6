// A generator for `prisma generate`: writes the names that the database knows (tables, columns, keys of relations on
// both sides), which neither the client nor Pothos hands out, to `src/generated/tables.ts`. Speaks the generator
// protocol itself, a line of JSON each way, so that it needs no package.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

const methods = {
  getManifest: () => ({ manifest: { prettyName: 'Tables', defaultOutput: '../src/generated/tables.ts' } }),
  generate({ dmmf, generator }) {
    mkdirSync(dirname(generator.output.value), { recursive: true });
    writeFileSync(generator.output.value, file(dmmf.datamodel.models));
    return null;
  },
};

function file(models) {
  const tables = Object.fromEntries(
    models.map((model) => [
      model.name,
      {
        table: model.dbName ?? model.name,
        columns: Object.fromEntries(
          model.fields
            .filter(({ kind }) => kind !== 'object')
            .map((field) => [
              field.name,
              {
                column: field.dbName ?? field.name,
                type: field.kind === 'enum' ? 'Enum' : (field.nativeType?.[0] ?? field.type),
                list: field.isList,
                required: field.isRequired,
              },
            ]),
        ),
        relations: Object.fromEntries(
          model.fields
            .filter(({ kind }) => kind === 'object')
            .map((field) => [field.name, relation(models, model, field)]),
        ),
      },
    ]),
  );
  return `/* Made by prisma/engine/tables.mjs */\nexport const tables = ${JSON.stringify(tables, null, 2)} as const;\n`;
}

/** Which columns of this side equal which of the other, whichever side holds the key. */
function relation(models, model, field) {
  const target = models.find(({ name }) => name === field.type);
  const back = target.fields.find(
    (one) => one.relationName === field.relationName && (one !== field || target !== model),
  );
  const own = field.relationFromFields?.length;
  return {
    model: field.type,
    list: field.isList,
    required: field.isRequired,
    from: own ? field.relationFromFields : back.relationToFields,
    to: own ? field.relationToFields : back.relationFromFields,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const answer = methods[method] ? { result: methods[method](params) } : { result: null };
  process.stderr.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
}
