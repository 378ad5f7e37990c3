/**
 * Parts of the API that are in the contract and not in the server yet. Turning one on runs its tests;
 * `npm run docs:compatibility` then says so in the table.
 */
export const landed = {
  /** The schema of a branch, the difference of two, and branches that have it without rows. */
  schema: true,
} as const
