import './Badge.css';
import type { Tone } from './words.ts';

/** A dot that has the colour and a word that has the meaning: nobody needs to see colours to read it. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  );
}
