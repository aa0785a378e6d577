// Drawings. They say nothing by themselves: what has one has a name too.
const PATHS = {
  back: 'M15 5l-7 7 7 7',
  search: 'M11 4.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13M20 20l-4.200-4.200',
  members: 'M9 5.500a3.500 3.500 0 1 0 0 7a3.500 3.500 0 0 0 0-7M3 19c.6-3.200 3-5 6-5s5.400 1.800 6 5M16 6.200a3.200 3.200 0 0 1 0 5.800M18 14.500c1.600.8 2.600 2.300 3 4.500',
  react: 'M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M9 14c.8 1.200 1.800 1.800 3 1.800s2.200-.6 3-1.800M9.500 10v.01M14.500 10v.01',
  reply: 'M10 7L5 12l5 5M5 12h9a5 5 0 0 1 5 5',
  remove: 'M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12',
  send: 'M5 12h14M13 6l6 6-6 6',
  close: 'M6 6l12 12M18 6L6 18',
  leave: 'M14 5H6v14h8M11 12h9M17 9l3 3-3 3',
  down: 'M12 5v14M6 13l6 6 6-6',
};

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" class="logo">
      <rect x="2" y="2" width="28" height="28" rx="9" />
      <path d="M9 21V13a3.500 3.500 0 0 1 7 0v6a3.500 3.500 0 0 0 7 0v-8" />
    </svg>
  );
}
