import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/**
 * A phone number as people write it -> E.164, or null when it is not one. Without `+`, read as a number of `country`.
 * A text with anything else in it, an extension too, is not one: what E.164 cannot hold must not be lost in silence.
 */
export function phoneOf(text: string, country: string): string | null {
  const written = text
    .replace(/\p{Cf}/gu, '')
    .trim()
    .replace(/^tel:/i, ''); // Address books copy direction marks along.
  const number = parsePhoneNumberFromString(written, {
    defaultCountry: country as CountryCode,
    extract: false,
  });
  return number?.isPossible() && !number.ext ? number.number : null;
}

/** The digits that people dial at home, without zeros in front: `+4930123` -> `30123`, `+3906123` -> `6123`. */
export function nationalDigits(e164: string): string {
  return (parsePhoneNumberFromString(e164)?.nationalNumber ?? e164.slice(1)).replace(/^0+/, '');
}
