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
  return new Problem(code, first?.message ?? 'The gateway gave no answer.');
}

export const unreachable = () => new Problem('UNREACHABLE', 'The gateway does not answer.');
