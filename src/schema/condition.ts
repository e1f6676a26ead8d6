import { type Field, fields, operatorsOf } from '../conditions/fields.ts';
import { builder } from './builder.ts';
import { guarded } from './read.ts';

/** What a builder of conditions can be drawn from. docs/conditions.md describes the language. */

const about = builder.enumType('ConditionSubject', {
  description: 'What a field of a condition is about.',
  values: {
    CUSTOMER: { description: 'A customer, as they are now.' },
    EVENT: { description: 'What happened; only where a condition is about an event.' },
  } as const,
});

const kind = builder.enumType('ConditionFieldKind', {
  description: 'What the values of a field are.',
  values: {
    TEXT: { value: 'text', description: 'Text; case does not matter, accents do.' },
    NUMBER: { value: 'number', description: 'A number, whole or not.' },
    MONEY: {
      value: 'money',
      description: '`{ "amount": "1000", "currency": "EUR" }`; the currency may be left out.',
    },
    DATETIME: {
      value: 'datetime',
      description: 'A date and time, or `{ "ago": 90, "unit": "days" }`, or `{ "ahead": … }`.',
    },
    DATE: { value: 'date', description: 'A date, or `{ "ago": 18, "unit": "years" }`.' },
    BOOLEAN: { value: 'boolean', description: 'Either true or false.' },
    ENUM: { value: 'enum', description: 'One of `values`.' },
    REFERENCE: { value: 'reference', description: 'The id of an object of the type `refersTo`.' },
    LIST: {
      value: 'list',
      description: 'Ids of objects of the type `refersTo`, or texts when there is none.',
    },
  } as const,
});

const ConditionField = builder.objectRef<Field>('ConditionField').implement({
  description: 'Something that conditions can ask for.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Stands in `field` of a condition.' }),
    label: t.exposeString('label', { description: 'For a list of fields.' }),
    description: t.exposeString('description', { description: 'What it means.' }),
    about: t.expose('about', { type: about, description: 'What it is about.' }),
    kind: t.expose('kind', { type: kind, description: 'What its values are.' }),
    operators: t.stringList({
      description: 'What may stand in `operator`.',
      resolve: (field) => [...operatorsOf[field.kind]],
    }),
    values: t.stringList({
      description: 'Of an ENUM: what there is; empty for others.',
      resolve: ({ values }) => [...(values ?? [])],
    }),
    refersTo: t.string({
      nullable: true,
      description: 'The type of the objects whose ids are its values.',
      resolve: ({ refersTo }) => refersTo ?? null,
    }),
    narrowedBy: t.stringList({
      description: 'Keys of `where`: what an aggregate can be limited to.',
      resolve: ({ narrowedBy }) => [...(narrowedBy ?? [])],
    }),
  }),
});

builder.queryField('conditionFields', (t) =>
  t.field({
    type: [ConditionField],
    description: 'Everything that conditions can ask for and that you may see, with the operators of each.',
    ...guarded('segments.read', { shape: 'known' }),
    resolve: (_root, _args, { viewer }) =>
      [...fields.values()].filter(({ needs }) => !needs || viewer.permissions.has(needs)),
  }),
);
