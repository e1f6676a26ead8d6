/** A customer's word on marketing. */
interface Consent {
  marketingConsent?: boolean | undefined;
  marketingConsentSource?: string | null | undefined;
}

/** What a changed consent is written with: its time and source go with it, and never change without it. */
export function consentColumns(sent: Consent, before: boolean, now: Date) {
  const { marketingConsent, marketingConsentSource } = sent;
  if (marketingConsent === undefined || marketingConsent === before)
    return { marketingConsent: undefined, marketingConsentSource: undefined, marketingConsentAt: undefined };
  return {
    marketingConsent,
    marketingConsentSource: marketingConsentSource ?? null,
    marketingConsentAt: now,
  };
}
