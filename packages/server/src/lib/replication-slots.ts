/**
 * Output plugins that a logical slot may have. PostgreSQL takes any file that it can read for one, and
 * runs what is in it. Those that the host has not are no harm: they are looked for in its own directory.
 */
export const outputPlugins = ['pgoutput', 'test_decoding', 'wal2json', 'decoderbufs'] as const

/** Of the names of slots that the platform holds WAL back with. */
export const platformSlotPrefix = 'coppice_'
