/**
 * Every place that holds personal data of a customer. Erasure walks this list, and a test plants a marker in
 * each place and finds none afterwards. A new column with personal data belongs here.
 */
export interface PersonalPlace {
  table: string;
  /** The column that holds the customer's id. */
  customer: string;
  /** What the columns are set to; absent means that the rows are deleted. */
  blank?: Record<string, string | null>;
}

export const personalData: readonly PersonalPlace[] = [
  {
    table: 'customer',
    customer: 'id',
    blank: {
      external_id: null,
      first_name: null,
      last_name: null,
      email: null,
      phone: null,
      company_name: null,
      job_title: null,
      website: null,
      avatar_url: null,
      born_on: null,
      language: null,
      time_zone: null,
      referral_source: null,
      source: null,
      sort_name: '',
      search_text: '',
      marketing_consent_source: null,
    },
  },
  { table: 'customer_profile', customer: 'customer_id' },
  { table: 'integration_contact', customer: 'customer_id' },
  { table: 'customer_word', customer: 'customer_id' },
  { table: 'event_personal', customer: 'customer_id' },
  {
    table: 'booking',
    customer: 'customer_id',
    blank: { notes: null, cancel_reason: null, external_id: null },
  },
  { table: 'payment', customer: 'customer_id', blank: { external_id: null } },
  { table: 'customer_tag', customer: 'customer_id' },
  { table: 'segment_member', customer: 'customer_id' },
  { table: 'lead_score_entry', customer: 'customer_id' },
  { table: 'lead_score_state', customer: 'customer_id' },
];

/** Fields of a table's model whose values are personal: their changes are kept beside the event, not in it. */
export function personalFieldsOf(table: string): ReadonlySet<string> {
  const columns = personalData
    .filter((place) => place.table === table)
    .flatMap(({ blank }) => Object.keys(blank ?? {}));
  return new Set(
    columns.map((column) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())),
  );
}
