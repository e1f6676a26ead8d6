export interface Amount {
  amount: string;
  currency: string;
}

/** Exact: decimals are added as integers, by currency. */
export function sumByCurrency(amounts: readonly Amount[]): Amount[] {
  const sums = new Map<string, { minor: bigint; decimals: number }>();
  for (const { amount, currency } of amounts) {
    const decimals = amount.split('.')[1]?.length ?? 0;
    const sum = sums.get(currency)?.minor ?? 0n;
    sums.set(currency, { minor: sum + BigInt(amount.replace('.', '')), decimals });
  }
  return [...sums].map(([currency, { minor, decimals }]) => ({ currency, amount: decimal(minor, decimals) }));
}

export const negated = ({ amount, currency }: Amount): Amount => ({
  currency,
  amount: amount.startsWith('-') ? amount.slice(1) : `-${amount}`,
});

function decimal(minor: bigint, decimals: number): string {
  const digits = String(minor < 0n ? -minor : minor).padStart(decimals + 1, '0');
  const at = digits.length - decimals;
  return `${minor < 0n ? '-' : ''}${digits.slice(0, at)}${decimals ? `.${digits.slice(at)}` : ''}`;
}

/** As people here write money. */
export function formatMoney({ amount, currency }: Amount): string {
  // As a text it is exact, which the types of the browser do not know yet.
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(
    amount as unknown as number,
  );
}

/** From the minor units in which the log has it. */
export function ofMinor(minor: string, currency: string): Amount {
  const decimals =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  return { currency, amount: decimal(BigInt(minor), decimals) };
}
