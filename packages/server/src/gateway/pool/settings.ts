/** The control plane checks the same settings, and knows nothing of the gateway. */
export {
  defaultPoolSettings,
  type PoolMode,
  type PoolSettings,
  poolSettingName,
  readPoolSettings,
} from '../../lib/pool-settings.ts'
