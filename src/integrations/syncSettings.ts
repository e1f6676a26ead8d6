import { z } from 'zod';
import { type FieldType, fieldTypes } from './capabilities.ts';
import { localField, localFieldNames } from './localFields.ts';

const id = z
  .union([z.string().trim().min(1), z.int().transform(String)])
  .describe('Id in the outside system');
/** Our own id of a segment. */
const segmentId = z.string().regex(/^seg_[0-9a-z]{26}$/, 'Must be the id of a segment.');
const name = z.string().trim().min(1).max(255);

/** One field here and one there. */
export const fieldMapping = z
  .strictObject({
    local: z.enum(localFieldNames),
    /** Its id there. */
    remote: id,
    /** What it is there; looked up when the connection is made. */
    type: z.enum(fieldTypes).optional(),
    direction: z.enum(['TO', 'FROM', 'BOTH']).default('TO'),
    /** Whose value stays when both have changed. */
    wins: z.enum(['FRONTDESK', 'REMOTE']).default('FRONTDESK'),
    active: z.boolean().default(true),
  })
  .refine(({ local, direction }) => direction === 'TO' || localField(local).fromText, {
    message: 'Is worked out here, so its direction can only be TO.',
    path: ['direction'],
  });
export type FieldMapping = z.output<typeof fieldMapping> & { type?: FieldType };

/** What starts an automation, and when. */
const automation = z.strictObject({
  /** Its purpose. */
  slot: z.string().trim().min(1).max(60),
  /** The event that starts it; what it is when left out follows from the slot. */
  on: z.string().optional(),
  /** For tag.added and tag.removed: only this tag. */
  tag: name.optional(),
  /** For segment.joined and segment.left: only this segment, by its id. */
  segmentId: segmentId.optional(),
  /** Start the automation itself, or track an event that it listens to: never both, or it starts twice. */
  via: z.enum(['AUTOMATION', 'EVENT']).default('AUTOMATION'),
  automationId: id.optional(),
  /** Name of the tracked event. */
  event: z.string().trim().min(1).max(32).optional(),
  /** Hours after the booking's end (or after the event, where there is no booking). */
  delayHours: z.number().min(0).max(8_760).default(0),
  active: z.boolean().default(true),
});

/** What the slots that everybody knows stand for, unless said otherwise. */
export const knownSlots: Record<string, { on: string; event: string; delayHours?: number }> = {
  post_booking: { on: 'booking.created', event: 'booking_completed' },
  review_request: { on: 'booking.completed', event: 'review_request_sent', delayHours: 24 },
  win_back: { on: 'tag.added', event: 'win_back' },
};

/** Settings that every system with contacts has; what only one has, its adapter adds. */
export const syncShape = {
  enableContactSync: z.boolean().default(true),
  /** TO sends only, FROM takes only, BOTH does both. */
  syncDirection: z.enum(['TO', 'FROM', 'BOTH']).default('BOTH'),
  /** REALTIME sends each change; HOURLY and DAILY let them gather until the full hour or day. */
  syncFrequency: z.enum(['REALTIME', 'HOURLY', 'DAILY']).default('REALTIME'),
  /** Whether customers who are not there yet are added there. */
  autoCreateContacts: z.boolean().default(true),
  /** Whether contacts who are not here yet are added here. */
  autoCreateCustomers: z.boolean().default(false),
  /** Only customers who agreed to marketing, or all. */
  audience: z.enum(['EVERYONE', 'CONSENTED']).default('EVERYONE'),
  syncCustomFields: z.boolean().default(true),
  fieldMappings: z
    .array(fieldMapping)
    .max(100)
    .default([])
    .refine(
      (all) => new Set(all.map(({ local, remote }) => `${local} ${remote}`)).size === all.length,
      'Each pair of fields may be mapped once.',
    ),
  /** Of the four fields that every system knows: whose value stays when both have changed. */
  standardFieldsWin: z.enum(['FRONTDESK', 'REMOTE']).default('FRONTDESK'),
  /** Minutes between two looks for changes there that no message told of; 0 for never. */
  pollMinutes: z.int().min(0).max(1_440).default(10),
  /** Milliseconds between the starts of two calls to the account. */
  spacingMs: z.int().min(0).max(60_000).optional(),
  logRetentionDays: z.int().min(1).max(3_650).default(30),
} as const;

/** Settings of systems that can tag, list, automate and track besides. */
export const marketingShape = {
  enableWebhooks: z.boolean().default(true),
  /** Who agreed to marketing is put on it, and taken off again when they withdraw. */
  defaultListId: id.optional(),
  /** Whether a customer's tags are kept the same there. */
  autoTagging: z.boolean().default(true),
  /** Tags of which a contact has one at most: the one that they were given last. */
  tagGroups: z.array(z.array(name).min(2).max(50)).max(50).default([]),
  enableLeadScoring: z.boolean().default(true),
  /** Tag by lead score, highest first; exactly one at a time. */
  scoreTags: z
    .array(z.strictObject({ from: z.int(), tag: name }))
    .max(20)
    .default([]),
  /** Segments as tags: who is in one has its tag, and loses it on leaving. */
  segmentTags: z
    .array(z.strictObject({ segmentId, tag: name }))
    .max(50)
    .default([]),
  /** Segments as lists: who is in one and agreed to marketing is put on it, and taken off again on leaving. */
  segmentLists: z
    .array(z.strictObject({ segmentId, listId: id }))
    .max(50)
    .default([]),
  enableAutomation: z.boolean().default(true),
  automations: z
    .array(automation)
    .max(100)
    .default([])
    .superRefine((all, check) => {
      for (const [at, one] of all.entries()) {
        const known = knownSlots[one.slot];
        const wrong = (path: string, message: string) =>
          check.addIssue({ code: 'custom', path: [at, path], message });
        if (!one.on && !known) wrong('on', 'Name the event that starts it.');
        if (one.via === 'AUTOMATION' && !one.automationId) wrong('automationId', 'Name the automation.');
        if (one.via === 'EVENT' && !one.event && !known) wrong('event', 'Name the event to track.');
        const on = one.on ?? known?.on;
        if (on?.startsWith('tag.') && !one.tag) wrong('tag', 'Name the tag.');
        if (on?.startsWith('segment.') && !one.segmentId) wrong('segmentId', 'Name the segment.');
      }
    }),
  enableEventTracking: z.boolean().default(false),
  /** Name of the tracked event by the event here. */
  events: z.record(z.string(), z.string().trim().min(1).max(32)).default({
    'booking.created': 'booking_created',
    'booking.confirmed': 'booking_confirmed',
    'booking.cancelled': 'booking_cancelled',
    'booking.rescheduled': 'booking_rescheduled',
    'booking.no_show': 'booking_no_show',
    'payment.recorded': 'payment_recorded',
  }),
} as const;

const known = z.object({ ...syncShape, ...marketingShape });
/** What of a connection's settings those who deliver look at; a system that cannot do a thing has the default. */
export type SyncSettings = z.output<typeof known>;
export const syncSettingsOf = (settings: unknown): SyncSettings => known.parse(settings);
