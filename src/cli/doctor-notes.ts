/** `warn`: it works, and could be better. */
export type State = 'ok' | 'warn' | 'bad';

/** Takes one finding of the doctor's; true is `ok`, false is `bad`. */
export type Note = (what: string, state: State | boolean, message: string) => void;
