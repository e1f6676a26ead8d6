export function Brand({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className="brand-mark">
      <rect width="32" height="32" rx="8" />
      <path d="M6 22h20M8 22a8 8 0 0 1 16 0M16 14v-3M13.5 10.5h5" />
    </svg>
  );
}
