import type { Failing } from '../failures.ts';
import type { PeerCall } from '../httpPeer.ts';
import type { Delivering, Delivery } from './account.ts';
import type { ContactInput } from './contact.ts';

/** A contact as a test wants to see it: by names instead of ids. */
export interface SeenContact {
  id: string;
  email: string;
  firstName: string;
  lastName: string;
  phone: string;
  /** By title of the field. */
  fields: Record<string, string>;
  tags: string[];
  /** By name of the list; 1 subscribed, 2 unsubscribed. */
  lists: Record<string, string>;
}

/** What a person does in ActiveCampaign's own pages. `fields` go by title; they are made when they are not there. */
export type Edit = Omit<ContactInput, 'fieldValues'> & { fields?: Record<string, string> };

export interface ActiveCampaign {
  url: string;
  trackingUrl: string;
  apiKey: string;
  actid: string;
  eventKey: string;

  setRate(perSecond: number): void;
  failWith(failing: Failing): void;
  /** The user whose key it is may no longer use a resource, such as `lists`; with false may again. */
  forbid(resource: string, forbidden?: boolean): void;
  /** Both hosts are gone at once, with what they were doing: answers and webhooks under way are lost. */
  stop(): Promise<void>;
  /** On the same ports, with what was there. */
  start(): Promise<void>;

  calls(): PeerCall[];
  trackingCalls(): PeerCall[];
  forgetCalls(): void;
  contacts(): SeenContact[];
  contact(email: string): SeenContact | undefined;
  /** Every start of an automation, by id or name, also of contacts that were taken out since. */
  startsOf(automation: string): { contact: string; email: string; at: Date; by: 'api' | 'event' }[];
  events(): { event: string; eventdata: string; email: string; at: Date }[];

  addAutomation(
    name: string,
    options?: { active?: boolean; multientry?: boolean; startsOnEvent?: string },
  ): string;
  addList(name: string): string;
  addTag(name: string): string;
  addField(title: string, type: string): string;
  lists(): { id: string; name: string }[];
  automations(): { id: string; name: string }[];
  fields(): { id: string; name: string }[];
  addCampaign(name: string, options?: { sent?: Date; opens?: number }): string;
  setScore(email: string, score: string, value: number): void;

  /** The last change wins; throws when there is no such contact. Fires webhooks as `admin`. */
  editContact(email: string, edit: Edit): void;
  createContact(contact: Edit & { email: string }): string;
  deleteContact(email: string): void;
  tagContact(email: string, tag: string): void;
  untagContact(email: string, tag: string): void;
  /** By a person of the business; `unsubscribe` is the contact's own doing, from all lists unless one is named. */
  subscribe(email: string, list: string): void;
  unsubscribe(email: string, options?: { list?: string; reason?: string }): void;

  deliverWith(delivering: Delivering): void;
  deliveries(): Delivery[];
  /** Ends when all webhooks fired until now have been delivered or have failed. */
  delivered(): Promise<void>;
}
