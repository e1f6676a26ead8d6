import type { Value } from './capabilities.ts';

/** What a customer is to outside systems: every field that a mapping may name, as plain values. */
export type LocalValues = Readonly<Record<LocalField, Value>>;

interface Local {
  /** What it is, for the documentation of mappings. */
  description: string;
  /** How a text from outside becomes the input of `updateCustomer`; absent where it cannot be written. */
  fromText?: (text: string) => unknown;
  /** Told in a sign-up: sent only with the customer's consent. */
  told?: true;
}

const same = (text: string) => text;
const upper = (text: string) => text.toUpperCase().replaceAll(' ', '_');
const yes = (text: string) => /^(true|yes|y|1|on|ja)$/i.test(text);
const day = (text: string) => new Date(`${text.slice(0, 10)}T00:00:00Z`);

/** By the name that mappings use. */
export const localFields = {
  email: { description: 'E-mail address', fromText: same },
  firstName: { description: 'Given name', fromText: same },
  lastName: { description: 'Family name', fromText: same },
  phone: { description: 'Phone number, in E.164 form', fromText: same },
  companyName: { description: 'Company', fromText: same },
  jobTitle: { description: 'What they do there', fromText: same },
  website: { description: 'Web address', fromText: same },
  bornOn: { description: 'Date of birth', fromText: day },
  country: { description: 'ISO 3166-1 code', fromText: upper },
  timeZone: { description: 'IANA zone', fromText: same },
  language: { description: 'Language tag', fromText: same },
  referralSource: { description: 'Who or what sent them', fromText: same },
  source: { description: 'Where the record comes from', fromText: same },
  status: { description: 'ACTIVE, ARCHIVED or BLOCKED', fromText: upper },
  lifecycleStage: { description: 'Stage of the relationship', fromText: upper },
  vip: { description: 'Especially important', fromText: yes },
  doNotContact: { description: 'Must not be written to or called', fromText: yes },
  marketingConsent: { description: 'Agreed to marketing' },
  leadScore: { description: 'Lead score' },
  leadGrade: { description: 'COLD, WARM, HOT or QUALIFIED' },
  bookingCount: { description: 'Bookings that were neither cancelled nor missed' },
  totalSpent: { description: "Payments less refunds, in the business's currency" },
  lastBookingAt: { description: 'Start of the latest booking' },
  lastVisitAt: { description: 'Start of the latest visit' },
  dietary: { description: 'Dietary wishes', told: true },
  volunteering: { description: 'What they would help with', told: true },
  facebook: { description: 'Facebook', told: true },
  instagram: { description: 'Instagram', told: true },
  linkedin: { description: 'LinkedIn', told: true },
  tiktok: { description: 'TikTok', told: true },
  twitter: { description: 'X, once Twitter', told: true },
  youtube: { description: 'YouTube', told: true },
  badgeName: { description: 'Name on the badge', told: true },
  badgeImageUrl: { description: 'Picture on the badge', told: true },
  emergencyContactName: { description: 'Whom to call in an emergency', told: true },
  emergencyContactPhone: { description: 'The number to call', told: true },
  lastEventName: { description: 'The event that they signed up for last', told: true },
} as const satisfies Record<string, Local>;

export type LocalField = keyof typeof localFields;
export const localFieldNames = Object.keys(localFields) as [LocalField, ...LocalField[]];

export const localField = (name: LocalField): Local => localFields[name];
