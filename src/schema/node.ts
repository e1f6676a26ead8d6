import { Refused } from '../core/errors.ts';
import { builder } from './builder.ts';
import { findNode } from './read.ts';

const maxIds = 100;

builder.queryField('node', (t) =>
  t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'Any object by its id; null when there is none that you can see.',
    args: { id: t.arg.id({ required: true, description: 'The id of an object of any type.' }) },
    extensions: { read: { shape: 'node' } },
    resolve: (_root, { id }, ctx, info) => findNode(id, ctx, info),
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description: 'Objects by their ids, in that order, null for each that you cannot see. At most 100.',
    extensions: { read: { shape: 'node' } },
    complexity: ({ ids }) => ({ field: 1, multiplier: ids.length }),
    args: { ids: t.arg.idList({ required: true, description: 'Ids of objects of any type.' }) },
    resolve: (_root, { ids }, ctx, info) => {
      if (ids.length > maxIds)
        throw new Refused('BAD_USER_INPUT', `ids: At most ${maxIds} at once, these are ${ids.length}.`);
      return Promise.all(ids.map((id) => findNode(id, ctx, info)));
    },
  }),
);
