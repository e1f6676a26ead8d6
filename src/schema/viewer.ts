import type { Viewer } from '../core/context.ts';
import { builder } from './builder.ts';
import { PermissionEnum, RoleEnum, RowScopeEnum } from './enums.ts';
import { guarded, loaded } from './read.ts';
import { Workspace } from './workspace.ts';

type SignedIn = Exclude<Viewer, { kind: 'anonymous' | 'system' }>;

const ViewerKindEnum = builder.enumType('ViewerKind', {
  description: 'What kind of caller you are.',
  values: {
    USER: { value: 'user', description: 'A user who signed in.' },
    API_KEY: { value: 'apiKey', description: 'A program with an API key.' },
    CUSTOMER: { value: 'customer', description: 'A customer who signed in.' },
  } as const,
});

const ViewerObject = builder.objectRef<SignedIn>('Viewer').implement({
  description: 'You: who asks, and what you may.',
  fields: (t) => ({
    kind: t.field({
      type: ViewerKindEnum,
      description: 'What kind of caller you are.',
      resolve: ({ kind }) => kind,
    }),
    role: t.field({
      type: RoleEnum,
      nullable: true,
      description: 'Your role; null for a customer.',
      resolve: (viewer) => ('role' in viewer ? viewer.role : null),
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'All that you may do.',
      resolve: ({ permissions }) => [...permissions],
    }),
    rowScope: t.field({
      type: RowScopeEnum,
      description: 'Which customers you reach.',
      resolve: ({ rowScope }) => rowScope,
    }),
    workspace: t.field({
      type: Workspace,
      description: 'The business that you are signed in to.',
      resolve: (_viewer, _args, ctx) => ctx.workspace,
    }),
    customer: loaded<SignedIn>(
      t,
      'Customer',
      { nullable: true, description: 'Yourself, if you are a customer.' },
      ({ kind, id }) => (kind === 'customer' ? id : nobody),
    ),
    user: loaded<SignedIn>(
      t,
      'User',
      { nullable: true, description: 'Yourself, if you are a user.' },
      ({ kind, id }) => (kind === 'user' ? id : nobody),
    ),
  }),
});

const nobody = '00000000-0000-0000-0000-000000000000';

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerObject,
    nullable: true,
    description: 'You; null when you are not signed in.',
    ...guarded(undefined, { shape: 'known' }),
    resolve: (_root, _args, { viewer }) =>
      viewer.kind === 'anonymous' || viewer.kind === 'system' ? null : viewer,
  }),
);
