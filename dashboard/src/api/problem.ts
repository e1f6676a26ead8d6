/** What went wrong with a request, in words for people. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** From the errors of an answer. */
export function problemOf(
  errors: readonly { message: string; extensions?: Record<string, unknown> }[],
): Problem {
  const [first] = errors;
  const code = String(first?.extensions?.code ?? 'UNKNOWN');
  if (code === 'INTERNAL')
    return new Problem(
      code,
      `Something went wrong at the gateway (request ${first?.extensions?.requestId}).`,
    );
  if (code === 'FORBIDDEN')
    return new Problem(code, 'Your key has no right to do this. Somebody who runs the business can give it.');
  if (code === 'UNAUTHENTICATED' && first?.extensions?.reason === 'EXPIRED')
    return new Problem('KEY_EXPIRED', first.message);
  return new Problem(code, first?.message ?? 'The gateway gave no answer.');
}

/** From a failure that a mutation answered. */
export function refusalOf(failure: {
  code: string;
  message: string;
  issues?: readonly { message: string }[];
}): Problem {
  const issues = failure.issues?.map(({ message }) => message).join(' ');
  return new Problem(failure.code, issues || failure.message);
}

export const unreachable = () => new Problem('UNREACHABLE', 'The gateway does not answer.');
