import type { Connection } from './connection.ts';

/** What outside systems can do. Contract tests run over every adapter that has a capability. */
export interface Capabilities<Settings> {
  contacts: Contacts<Settings>;
  tags: Tags<Settings>;
  lists: Lists<Settings>;
  automations: Automations<Settings>;
  tracking: Tracking<Settings>;
  campaigns: Campaigns<Settings>;
  changeHooks: ChangeHooks<Settings>;
  signUps: SignUps<Settings>;
  bulk: Bulk<Settings>;
}

type At<Settings> = Connection<Settings>;

/** What the value of a field is. */
export const fieldTypes = ['text', 'number', 'boolean', 'date', 'datetime', 'choice', 'choices'] as const;
export type FieldType = (typeof fieldTypes)[number];

/** A value as we have it: dates are ISO 8601, several choices a list. */
export type Value = string | number | boolean | readonly string[] | null;

/** A field of contacts there. */
export interface RemoteField {
  /** What mappings name it by. */
  id: string;
  name: string;
  type: FieldType;
}

/** A contact there. Values are written as the system writes them: `read` and `write` translate. */
export interface RemoteContact {
  id: string;
  email: string | null;
  /** Changes whenever the contact does; '' where the system has no such thing. */
  stamp: string;
  /** By the id of the field; '' for none. */
  values: Readonly<Record<string, string>>;
}

/** A contact with all that is asked for when both sides are compared. */
export interface WholeContact extends RemoteContact {
  /** Names; null where the system has no tags. */
  tags: readonly string[] | null;
  /** Null where the system has no lists. */
  lists: Memberships | null;
}

/** A contact as it is sent: without an id, it is the one with this e-mail address. */
export interface ContactToSend {
  id: string | null;
  email: string | null;
  values: Readonly<Record<string, string>>;
}

export interface Page<Item> {
  items: Item[];
  /** Hand it back for the next page; null after the last. */
  next: string | null;
}

export interface Contacts<Settings> {
  /** Ids of the fields that hold our e-mail address, names and phone number. */
  standard: Readonly<Record<'email' | 'firstName' | 'lastName' | 'phone', string>>;
  fields(c: At<Settings>): Promise<RemoteField[]>;
  /** A value as this system writes it; '' for none. */
  write(type: FieldType, value: Value): string;
  /** What was written; null for none. */
  read(type: FieldType, text: string): Value;
  /** Creates the contact with this e-mail address, or changes the given fields of it and no others. */
  upsert(c: At<Settings>, contact: ContactToSend): Promise<RemoteContact>;
  get(c: At<Settings>, id: string): Promise<RemoteContact | null>;
  find(c: At<Settings>, email: string): Promise<RemoteContact | null>;
  /** Contacts changed at or after a time. Values may be those of the standard fields alone. */
  changed(c: At<Settings>, since: Date, after: string | null): Promise<Page<RemoteContact>>;
  /** Every contact, in an order that does not change. Values as of `changed`. */
  all(c: At<Settings>, after: string | null): Promise<Page<RemoteContact>>;
  /** As `all`, with every value, tags and lists, and without a call for each contact. */
  whole(c: At<Settings>, after: string | null): Promise<Page<WholeContact>>;
  /** No contact of that id is there any more; none being there is as good. */
  remove(c: At<Settings>, id: string): Promise<void>;
}

/** Tags by name. */
export interface Tags<Settings> {
  of(c: At<Settings>, contactId: string): Promise<string[]>;
  add(c: At<Settings>, contactId: string, tag: string): Promise<void>;
  remove(c: At<Settings>, contactId: string, tag: string): Promise<void>;
  all(c: At<Settings>, after: string | null): Promise<Page<Named>>;
}

export interface Named {
  id: string;
  name: string;
}

/** Counts of what is there are null where the system does not tell. */
export interface RemoteList extends Named {
  subscribers: number | null;
}

/** By the id of the list; one that they never were on is missing. */
export type Memberships = Readonly<Record<string, 'SUBSCRIBED' | 'UNSUBSCRIBED' | undefined>>;

export interface Lists<Settings> {
  all(c: At<Settings>, after: string | null): Promise<Page<RemoteList>>;
  create(c: At<Settings>, name: string): Promise<Named>;
  of(c: At<Settings>, contactId: string): Promise<Memberships>;
  /** Callers have a recorded consent. */
  subscribe(c: At<Settings>, contactId: string, listId: string): Promise<void>;
  unsubscribe(c: At<Settings>, contactId: string, listId: string): Promise<void>;
}

export interface RemoteAutomation extends Named {
  active: boolean;
  entered: number | null;
  exited: number | null;
}

export interface Run {
  id: string;
  automationId: string;
}

export interface Automations<Settings> {
  all(c: At<Settings>, after: string | null): Promise<Page<RemoteAutomation>>;
  /** Not harmless to repeat: look at `of` first when it is not known whether an earlier attempt went through. */
  start(c: At<Settings>, contactId: string, automationId: string): Promise<Run>;
  of(c: At<Settings>, contactId: string): Promise<Run[]>;
  stop(c: At<Settings>, runId: string): Promise<void>;
}

export interface Tracking<Settings> {
  /** The longest name that the system takes. */
  maxName: number;
  /** Makes sure that events of this name are taken. */
  register(c: At<Settings>, name: string): Promise<void>;
  /** `data` is text that stands beside the event. */
  send(c: At<Settings>, event: { name: string; email: string; data: string }): Promise<void>;
}

export const campaignStatuses = [
  'DRAFT',
  'SCHEDULED',
  'SENDING',
  'PAUSED',
  'STOPPED',
  'COMPLETED',
  'OTHER',
] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];

export interface RemoteCampaign extends Named {
  status: CampaignStatus;
  /** When it was sent, or is to be. */
  sentAt: Date | null;
  sends: number | null;
  opens: number | null;
  uniqueOpens: number | null;
  linkClicks: number | null;
  uniqueLinkClicks: number | null;
  unsubscribes: number | null;
  bounces: number | null;
}

export interface Campaigns<Settings> {
  /** The latest first. */
  all(c: At<Settings>, after: string | null): Promise<Page<RemoteCampaign>>;
}

/** An inbound request, as it came. */
export interface Inbound {
  header(name: string): string | undefined;
  body: Buffer;
  receivedAt: Date;
}

/** A contact there that is said to have changed. What else the message says is not believed: the contact is read again. */
export interface ContactChange {
  contactId: string;
  /** The message is about their tags. */
  tags: boolean;
  /** The message says that they left a list. */
  left: boolean;
}

/** Messages of a system that tells of changes. */
export interface ChangeHooks<Settings> {
  /** Whether it comes from the system, as far as it signs; the secret path has been checked before. */
  verify(settings: Settings, request: Inbound): boolean;
  parse(request: Inbound): ContactChange[];
  /** Has the system send its messages there, and answers the hook's id. */
  register(c: At<Settings>, url: string): Promise<string>;
  unregister(c: At<Settings>, hookId: string): Promise<void>;
}

/** A completed sign-up, read by nobody yet: the verb that takes it knows its schema. */
export interface SignUpMessage {
  messageId: string;
  content: unknown;
}

/** Messages of a system in which people sign up for something. */
export interface SignUps<Settings> {
  /** A new secret to sign with, for those who give none. */
  newSecret(): string;
  verify(settings: Settings, request: Inbound): boolean;
  /** Null for what is no such message. */
  parse(request: Inbound): SignUpMessage | null;
}

export interface BulkContact extends Omit<ContactToSend, 'id'> {
  tags: readonly string[];
  lists: readonly string[];
}

export interface Bulk<Settings> {
  /** Contacts in one call. */
  maxContacts: number;
  /** Hands contacts over, and answers the id of the batch. Fields that are not given stay; nobody who left a list is put back. */
  send(c: At<Settings>, contacts: readonly BulkContact[]): Promise<string>;
  /** What became of a batch. */
  outcome(
    c: At<Settings>,
    batchId: string,
  ): Promise<{ done: boolean; contactIds: string[]; refused: string[] }>;
}
