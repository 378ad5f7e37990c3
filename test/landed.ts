/**
 * Parts of the API that are in the contract and not in the server yet. Turning one on runs its tests;
 * `npm run docs:compatibility` then says so in the table.
 */
export const landed = {
  /** Branching from the past, restore, reset. */
  history: true,
  snapshots: true,
  /** The schema of a branch and the difference of two. */
  schema: false,
  /** What PostgreSQL and the platform logged, by query. */
  logs: false,
  /** The organization, its keys and members; tokens, libraries to preload. */
  account: false,
  /** What was used, by project and branch. */
  consumption: false,
} as const
