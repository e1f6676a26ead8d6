import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** A phone number as people write it -> E.164, or null when it is not one. Without `+`, read as a number of `country`. */
export function phoneOf(text: string, country: string): string | null {
  const number = parsePhoneNumberFromString(text, country as CountryCode);
  return number?.isPossible() ? number.number : null;
}

/** The digits that people dial at home: `+4930123` -> `30123`. */
export function nationalDigits(e164: string): string {
  return parsePhoneNumberFromString(e164)?.nationalNumber ?? e164.slice(1);
}
