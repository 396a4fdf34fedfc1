/** Character sets of components: digits; CSET 82; CSET 39; file-safe base64 (GS1 General Specifications 7.11). */
export type ComponentType = 'N' | 'X' | 'Y' | 'Z';

export interface Component {
  readonly type: ComponentType;
  readonly minimum: number;
  readonly maximum: number;
  /** It and all after it may be missing. */
  readonly optional?: true;
  /** Checks of the content, by the names of the syntax dictionary. */
  readonly checks?: readonly string[];
}

/** One application identifier, or a range of them, as the syntax dictionary describes it. */
export interface AiEntry {
  readonly from: string;
  /** Last of a range; the same as `from` for a single one. */
  readonly to: string;
  /** Predefined length: no FNC1 is needed after it. */
  readonly predefined: boolean;
  /** Permitted as a data attribute (query) of a GS1 Digital Link URI. */
  readonly attribute: boolean;
  readonly components: readonly Component[];
  /** Each group must be met by one of its alternatives, all of whose patterns must be present. */
  readonly requires: readonly (readonly (readonly string[])[])[];
  /** Patterns that must not be present (`n` stands for any digit). */
  readonly excludes: readonly string[];
  /** Primary key of a Digital Link: alternative sequences of qualifiers, in their order. */
  readonly key?: readonly (readonly string[])[];
  readonly title: string;
}
