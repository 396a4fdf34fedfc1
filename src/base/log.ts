/** The part of a logger that rooms below the gateway may use; pino's loggers are such loggers. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For tests and tools that have nowhere to log to. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
