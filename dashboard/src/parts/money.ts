export interface Amount {
  amount: string;
  currency: string;
}

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
