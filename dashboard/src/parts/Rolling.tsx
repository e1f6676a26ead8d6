import NumberFlow, { type Format } from '@number-flow/react';
import { nonce } from '../shell/nonce.ts';

/** A number that rolls to its next value. */
export function Rolling({ value, format }: { value: number; format?: Format }) {
  return (
    <data value={value}>
      <NumberFlow value={value} format={format} nonce={nonce} willChange={false} />
    </data>
  );
}
