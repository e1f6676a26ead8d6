import type {
  RemoteAutomation,
  RemoteCampaign,
  RemoteField,
  RemoteList,
} from '../integrations/capabilities.ts';
import { type RemoteAccount, type RemoteTag, readRemote } from '../resolvers/connections/readRemote.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { RemoteCampaignStatusEnum, RemoteFieldTypeEnum } from './enums.ts';
import { guarded } from './read.ts';

const id = { description: 'Its id there: what settings name it by.' };

const RemoteFieldObject = builder.objectRef<RemoteField>('RemoteField').implement({
  description: 'A field of contacts in an outside system.',
  fields: (t) => ({
    id: t.exposeID('id', id),
    name: t.exposeString('name', { description: 'What it is called there.' }),
    type: t.field({
      type: RemoteFieldTypeEnum,
      description: 'What its values are, and so how ours are written.',
      resolve: ({ type }) => type.toUpperCase() as Uppercase<typeof type>,
    }),
  }),
});

const RemoteTagObject = builder.objectRef<RemoteTag>('RemoteTag').implement({
  description: 'A tag in an outside system.',
  fields: (t) => ({
    id: t.exposeID('id', id),
    name: t.exposeString('name', { description: 'What it is called there.' }),
    tagId: t.exposeID('tagId', {
      nullable: true,
      description: 'The tag here of the same name, which it is kept in step with; null when there is none.',
    }),
  }),
});

const RemoteListObject = builder.objectRef<RemoteList>('RemoteList').implement({
  description: 'A list of contacts in an outside system.',
  fields: (t) => ({
    id: t.exposeID('id', id),
    name: t.exposeString('name', { description: 'What it is called there.' }),
    subscribers: t.exposeInt('subscribers', {
      nullable: true,
      description: 'How many are on it now; null where the system does not tell.',
    }),
  }),
});

const RemoteAutomationObject = builder.objectRef<RemoteAutomation>('RemoteAutomation').implement({
  description: 'An automation in an outside system.',
  fields: (t) => ({
    id: t.exposeID('id', id),
    name: t.exposeString('name', { description: 'What it is called there.' }),
    active: t.exposeBoolean('active', { description: 'Whether it runs; only then it can be started.' }),
    entered: t.exposeInt('entered', {
      nullable: true,
      description:
        'How often contacts came into it, whoever started it; null where the system does not tell.',
    }),
    exited: t.exposeInt('exited', {
      nullable: true,
      description: 'How often contacts went out of it; null where the system does not tell.',
    }),
  }),
});

const RemoteCampaignObject = builder.objectRef<RemoteCampaign>('RemoteCampaign').implement({
  description:
    'A campaign in an outside system, with its figures as the system reports them: each is null where it does not.',
  fields: (t) => {
    const figure = (
      name: Exclude<keyof RemoteCampaign, 'id' | 'name' | 'status' | 'sentAt'>,
      description: string,
    ) => t.int({ nullable: true, description, resolve: (campaign) => campaign[name] });
    return {
      id: t.exposeID('id', id),
      name: t.exposeString('name', { description: 'What it is called there.' }),
      status: t.field({
        type: RemoteCampaignStatusEnum,
        description: 'Where it stands.',
        resolve: ({ status }) => status,
      }),
      sentAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it was sent, or is to be.',
        resolve: ({ sentAt }) => sentAt,
      }),
      sends: figure('sends', 'How many contacts it was sent to.'),
      opens: figure('opens', 'How often it was opened.'),
      uniqueOpens: figure('uniqueOpens', 'How many contacts opened it.'),
      linkClicks: figure('linkClicks', 'How often a link in it was followed.'),
      uniqueLinkClicks: figure('uniqueLinkClicks', 'How many contacts followed a link in it.'),
      unsubscribes: figure('unsubscribes', 'How many contacts left by it.'),
      bounces: figure('bounces', 'How often it could not be delivered, for now or for good.'),
    };
  },
});

/** Five fields that ask the account itself: each for itself, so that one that fails leaves the others. */
export function remoteFields(t: unknown) {
  const asked = <What extends keyof RemoteAccount>(what: What, type: unknown, description: string) =>
    (t as { field(options: object): never }).field({
      type: [type],
      nullable: true,
      description: `${description} Asked of the system at once, ten seconds at most; the first thousand. Null when the system has no such thing, or the connection is disconnected.`,
      ...guarded(undefined, { shape: 'opaque' }),
      select: { id: true },
      complexity: { field: 20, multiplier: 10 },
      resolve: (row: { id: string }, _args: object, ctx: GraphQLContext) => readRemote(ctx, row.id, what),
    });
  return {
    remoteFields: asked('fields', RemoteFieldObject, 'Custom fields of contacts there.'),
    remoteTags: asked(
      'tags',
      RemoteTagObject,
      'Tags there, each with the tag here that it is kept in step with.',
    ),
    remoteLists: asked('lists', RemoteListObject, 'Lists of contacts there.'),
    remoteAutomations: asked('automations', RemoteAutomationObject, 'Automations there.'),
    remoteCampaigns: asked('campaigns', RemoteCampaignObject, 'Campaigns there, the latest first.'),
  };
}
