import { openStore, type Row, type Table } from '../store.ts';

// Ids are strings, as on the wire. Times are milliseconds here, and made into theirs by `wireDate`.
export interface Contact extends Row {
  email: string;
  firstName: string;
  lastName: string;
  phone: string;
  cdate: number;
  udate: number;
}
export interface Field extends Row {
  title: string;
  type: string;
  perstag: string;
  descript: string;
  defval: string;
  isrequired: string;
  visible: string;
  ordernum: string;
  cdate: number;
  udate: number;
}
export interface FieldOption extends Row {
  field: string;
  value: string;
  label: string;
  orderid: string;
  isdefault: string;
  cdate: number;
}
export interface FieldRel extends Row {
  field: string;
  relid: string;
  cdate: number;
}
export interface FieldValue extends Row {
  contact: string;
  field: string;
  value: string;
  cdate: number;
  udate: number;
}
export interface Tag extends Row {
  tag: string;
  tagType: string;
  description: string;
  cdate: number;
}
export interface ContactTag extends Row {
  contact: string;
  tag: string;
  cdate: number;
}
export interface List extends Row {
  name: string;
  stringid: string;
  sender_url: string;
  sender_reminder: string;
  cdate: number;
}
export interface ContactList extends Row {
  contact: string;
  list: string;
  /** 1 subscribed, 2 unsubscribed. */
  status: string;
  sourceid: string;
  unsubreason: string | null;
  /** The contact left by themselves, by the link in a message. */
  leftAlone: boolean;
  sdate: number | null;
  udate: number;
}
export interface Automation extends Row {
  name: string;
  /** 1 active, 2 inactive. */
  status: string;
  /** 1 when a contact may enter more than once. */
  multientry: string;
  /** Starts for whoever a tracked event of this name is about. */
  startsOnEvent: string | null;
  cdate: number;
}
export interface ContactAutomation extends Row {
  contact: string;
  automation: string;
  adddate: number;
}
/** Every start there ever was: it stays when the contact is taken out or deleted. */
export interface AutomationStart extends Row {
  contact: string;
  email: string;
  automation: string;
  at: number;
  by: 'api' | 'event';
}
export interface Score extends Row {
  name: string;
  descript: string;
  cdate: number;
}
export interface ScoreValue extends Row {
  contact: string;
  score: string;
  scoreValue: string;
  cdate: number;
  mdate: number;
}
export interface Campaign extends Row {
  name: string;
  status: string;
  sdate: number | null;
  send_amt: string;
  opens: string;
  linkclicks: string;
  cdate: number;
}
export interface Webhook extends Row {
  name: string;
  url: string;
  events: string[];
  sources: string[];
  listid: string;
  active: boolean;
  cdate: number;
}
export interface ImportBatch extends Row {
  batchId: string;
  contacts: Record<string, unknown>[];
  status: 'waiting' | 'completed';
  success: string[];
  failure: string[];
  queuedAt: number;
}
export interface EventName extends Row {
  name: string;
}
export interface TrackedEvent extends Row {
  event: string;
  eventdata: string;
  email: string;
  at: number;
}
export interface Switch extends Row {
  enabled: boolean;
}

/** Who caused a change; a webhook says which of these it wants to hear of. */
export type Source = 'public' | 'admin' | 'api' | 'system';

export interface Delivery {
  hook: string;
  url: string;
  type: string;
  body: string;
  /** Of the answer; null while it is under way, and when there was none. */
  status: number | null;
}

export interface Delivering {
  /** Each delivery waits anything up to this, on its own: so they arrive in any order. */
  withinMs?: number;
  /** The share that comes twice, and the share that never comes. */
  twice?: number;
  never?: number;
  seed?: number;
}

export interface Webhooks {
  fire(event: string, contact: Contact | undefined, source: Source, more?: Record<string, string>): void;
  deliverWith(delivering: Delivering): void;
  deliveries(): Delivery[];
  /** Ends when all that was fired until now was delivered or has failed. */
  delivered(): Promise<void>;
  /** What waits is lost, as in a crash. */
  drop(): void;
}

export interface Account {
  /** Without a slash at the end and without /api/3. */
  url: string;
  /** Resources that the key's user may not use, such as `lists`. */
  forbidden: Set<string>;
  webhooks: Webhooks;
  contacts: Table<Contact>;
  fields: Table<Field>;
  fieldOptions: Table<FieldOption>;
  fieldRels: Table<FieldRel>;
  fieldValues: Table<FieldValue>;
  tags: Table<Tag>;
  contactTags: Table<ContactTag>;
  lists: Table<List>;
  contactLists: Table<ContactList>;
  automations: Table<Automation>;
  contactAutomations: Table<ContactAutomation>;
  starts: Table<AutomationStart>;
  scores: Table<Score>;
  scoreValues: Table<ScoreValue>;
  campaigns: Table<Campaign>;
  hooks: Table<Webhook>;
  imports: Table<ImportBatch>;
  eventNames: Table<EventName>;
  trackedEvents: Table<TrackedEvent>;
  switches: Table<Switch>;
}

/** What ActiveCampaign holds for one customer; in a file too when one is named. */
export function openAccount(file?: string) {
  const store = openStore(file);
  const byContact = { contact: (row: { contact: string }) => row.contact };
  const tables = {
    contacts: store.table<Contact>('contacts', { email: ({ email }) => email.toLowerCase() }),
    fields: store.table<Field>('fields'),
    fieldOptions: store.table<FieldOption>('fieldOptions'),
    fieldRels: store.table<FieldRel>('fieldRels'),
    fieldValues: store.table<FieldValue>('fieldValues', byContact),
    tags: store.table<Tag>('tags', { tag: tagKey }),
    contactTags: store.table<ContactTag>('contactTags', byContact),
    lists: store.table<List>('lists'),
    contactLists: store.table<ContactList>('contactLists', byContact),
    automations: store.table<Automation>('automations'),
    contactAutomations: store.table<ContactAutomation>('contactAutomations', byContact),
    starts: store.table<AutomationStart>('starts', {
      ...byContact,
      automation: ({ automation }) => automation,
    }),
    scores: store.table<Score>('scores'),
    scoreValues: store.table<ScoreValue>('scoreValues', byContact),
    campaigns: store.table<Campaign>('campaigns'),
    hooks: store.table<Webhook>('hooks'),
    imports: store.table<ImportBatch>('imports', { batchId: ({ batchId }) => batchId }),
    eventNames: store.table<EventName>('eventNames', { name: ({ name }) => name }),
    trackedEvents: store.table<TrackedEvent>('trackedEvents'),
    switches: store.table<Switch>('switches'),
  };
  store.load();
  return { tables, close: store.close };
}

/** A tag is unique by type and name, whatever its case. */
export const tagKey = ({ tagType, tag }: { tagType: string; tag: string }) =>
  `${tagType}-${tag}`.toLowerCase();
