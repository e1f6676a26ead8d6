import { code as currencyByCode } from 'currency-codes';
import { z } from 'zod';

/** Digits after the decimal point by ISO 4217: 2 for EUR, 0 for JPY, 3 for KWD. Null for an unknown currency. */
export function exponentOf(currency: string): number | null {
  let digits = exponents.get(currency);
  if (digits === undefined) {
    digits = currencyByCode(currency)?.digits ?? null;
    if (digits !== null) exponents.set(currency, digits);
  }
  return digits;
}

/** The package looks through its whole list. */
const exponents = new Map<string, number | null>();

/** `(1250n, 'EUR')` -> `'12.50'` */
export function decimalOf(minor: bigint, currency: string): string {
  const digits = exponentOf(currency) ?? 2;
  const sign = minor < 0n ? '-' : '';
  const all = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  return digits === 0 ? sign + all : `${sign}${all.slice(0, -digits)}.${all.slice(-digits)}`;
}

/** `('12.5', 'EUR')` -> `1250n`; null when it has more digits than the currency, or is no number. */
export function minorOf(amount: string, currency: string): bigint | null {
  const digits = exponentOf(currency);
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(amount);
  if (digits === null || !match) return null;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction.length > digits) return null;
  const minor = BigInt(match[2] + fraction.padEnd(digits, '0'));
  return match[1] ? -minor : minor;
}

export interface Money {
  minor: bigint;
  currency: string;
}

/** An amount of zero or more with its currency, read into minor units. */
export const moneyInput = z
  .object({
    amount: z.union([z.string(), z.number()]).transform(String),
    currency: z.string().trim().toUpperCase(),
  })
  .transform(({ amount, currency }, check): Money => {
    const exponent = exponentOf(currency);
    if (exponent === null) {
      check.addIssue({
        code: 'custom',
        path: ['currency'],
        message: 'Must be an ISO 4217 currency code, such as EUR.',
      });
      return z.NEVER;
    }
    const minor = minorOf(amount, currency);
    if (minor === null || minor < 0n) {
      const message = `Must be zero or more, with at most ${exponent} decimal places for ${currency}.`;
      check.addIssue({ code: 'custom', path: ['amount'], message });
      return z.NEVER;
    }
    return { minor, currency };
  });
