import { z } from 'zod';
import { clearable, countryCode, day, emailAddress, idOf, text, timeZone } from '../../core/parse.ts';
import { personalFieldsOf } from '../../core/personalData.ts';
import { phoneOf } from '../../core/phone.ts';

const made = new Map<string, ReturnType<typeof make>>();

/** The fields that creating and updating a customer share. Phone numbers without `+` are numbers of this country. */
export function customerFields(country: string) {
  const known = made.get(country);
  if (known) return known;
  const fields = make(country);
  made.set(country, fields);
  return fields;
}

function make(country: string) {
  const phone = z.string().transform((written, check) => {
    const e164 = phoneOf(written, country);
    if (e164) return e164;
    check.addIssue({
      code: 'custom',
      message: `Must be one phone number, without an extension; outside ${country} it begins with + and the country code.`,
    });
    return z.NEVER;
  });
  return z.object({
    externalId: clearable(text(255)),
    firstName: clearable(text(100)),
    lastName: clearable(text(100)),
    email: clearable(emailAddress),
    phone: clearable(phone),
    companyName: clearable(text(200)),
    jobTitle: clearable(text(200)),
    website: clearable(webAddress),
    avatarUrl: clearable(webAddress),
    bornOn: clearable(day),
    country: clearable(countryCode),
    timeZone: clearable(timeZone),
    language: clearable(text(100).refine(isLanguage, 'Must be a language tag, such as de or pt-BR.')),
    referralSource: clearable(text(200)),
    source: clearable(text(200)),
    status: z.enum(['ACTIVE', 'ARCHIVED', 'BLOCKED']).optional(),
    lifecycleStage: z.enum(['NEW', 'LEAD', 'PROSPECT', 'CUSTOMER', 'LOYAL', 'AT_RISK', 'CHURNED']).optional(),
    vip: z.boolean().optional(),
    doNotContact: z.boolean().optional(),
    marketingConsent: z.boolean().optional(),
    marketingConsentSource: clearable(text(200)),
    ownerId: idOf('User').nullish(),
    teamId: idOf('Team').nullish(),
  });
}

const webAddress = text(2_000).pipe(
  z.url({ protocol: /^https?$/, message: 'Must be a web address that begins with http:// or https://.' }),
);

function isLanguage(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** Fields whose changes are kept beside the event, not in it. */
export const personalFields = personalFieldsOf('customer');
