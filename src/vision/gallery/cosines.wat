;; Cosines of one query with every reference of a gallery, and the best of each look. 128-bit SIMD.
;;
;; References are rows of signed bytes within -127 … 127, one after the other, padded with zeros to a multiple of 16
;; bytes. The query has the same values, widened to 16 bits. A product of two such values is at most 16,129, so that
;; two products still fit 16 bits before pairs of them are widened to 32: pmullw and pmaddwd on x64, mul, mla and
;; sadalp on arm64. Four rows at once share the loads of the query and keep four sums independent of each other.
;;
;; `node scripts/wasm.ts` compiles this file to generated/cosines.ts.
(module
  (import "gallery" "memory" (memory 1))

  ;; Writes count cosines (f32) to $out: product of sums, $scales of the row (1 / its length) and $queryScale.
  ;; $count is a multiple of 4, $stride of 16; $rows, $scales and $out are multiples of 16.
  (func (export "cosines")
    (param $rows i32) (param $count i32) (param $stride i32)
    (param $query i32) (param $scales i32) (param $queryScale f32) (param $out i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $q i32) (local $rowEnd i32) (local $end i32)
    (local $q0 v128) (local $q1 v128)
    (local $sumA v128) (local $sumB v128) (local $sumC v128) (local $sumD v128)
    (local.set $a (local.get $rows))
    (local.set $end (i32.add (local.get $rows) (i32.mul (local.get $count) (local.get $stride))))
    (block $done
      (loop $fourRows
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (local.set $rowEnd (i32.add (local.get $a) (local.get $stride)))
        (local.set $b (local.get $rowEnd))
        (local.set $c (i32.add (local.get $b) (local.get $stride)))
        (local.set $d (i32.add (local.get $c) (local.get $stride)))
        (local.set $q (local.get $query))
        (local.set $sumA (v128.const i32x4 0 0 0 0))
        (local.set $sumB (v128.const i32x4 0 0 0 0))
        (local.set $sumC (v128.const i32x4 0 0 0 0))
        (local.set $sumD (v128.const i32x4 0 0 0 0))
        (loop $sixteenValues
          (local.set $q0 (v128.load (local.get $q)))
          (local.set $q1 (v128.load offset=16 (local.get $q)))
          (local.set $sumA (i32x4.add (local.get $sumA) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.mul (v128.load8x8_s (local.get $a)) (local.get $q0))
            (i16x8.mul (v128.load8x8_s offset=8 (local.get $a)) (local.get $q1))))))
          (local.set $sumB (i32x4.add (local.get $sumB) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.mul (v128.load8x8_s (local.get $b)) (local.get $q0))
            (i16x8.mul (v128.load8x8_s offset=8 (local.get $b)) (local.get $q1))))))
          (local.set $sumC (i32x4.add (local.get $sumC) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.mul (v128.load8x8_s (local.get $c)) (local.get $q0))
            (i16x8.mul (v128.load8x8_s offset=8 (local.get $c)) (local.get $q1))))))
          (local.set $sumD (i32x4.add (local.get $sumD) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.mul (v128.load8x8_s (local.get $d)) (local.get $q0))
            (i16x8.mul (v128.load8x8_s offset=8 (local.get $d)) (local.get $q1))))))
          (local.set $a (i32.add (local.get $a) (i32.const 16)))
          (local.set $b (i32.add (local.get $b) (i32.const 16)))
          (local.set $c (i32.add (local.get $c) (i32.const 16)))
          (local.set $d (i32.add (local.get $d) (i32.const 16)))
          (local.set $q (i32.add (local.get $q) (i32.const 32)))
          (br_if $sixteenValues (i32.lt_u (local.get $a) (local.get $rowEnd))))
        ;; Lanes of A and B, C and D interleaved and added: [A02 B02 A13 B13].
        (local.set $sumA (i32x4.add
          (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $sumA) (local.get $sumB))
          (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $sumA) (local.get $sumB))))
        (local.set $sumC (i32x4.add
          (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $sumC) (local.get $sumD))
          (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $sumC) (local.get $sumD))))
        (v128.store (local.get $out)
          (f32x4.mul
            (f32x4.mul
              (f32x4.convert_i32x4_s (i32x4.add
                (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $sumA) (local.get $sumC))
                (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $sumA) (local.get $sumC))))
              (v128.load (local.get $scales)))
            (f32x4.splat (local.get $queryScale))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $a (local.get $d))
        (br $fourRows))))

  ;; Writes the largest cosine of each of $looks looks to $out. References of a look are contiguous; $ends says after
  ;; how many references each look ends (u32). A look without references gets -1.
  (func (export "bestOfLooks")
    (param $cosines i32) (param $ends i32) (param $looks i32) (param $out i32)
    (local $at i32) (local $lookEnd i32) (local $end i32) (local $best f32) (local $cosine f32)
    (local.set $at (local.get $cosines))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $looks) (i32.const 2))))
    (block $done
      (loop $nextLook
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $lookEnd
          (i32.add (local.get $cosines) (i32.shl (i32.load (local.get $ends)) (i32.const 2))))
        (local.set $best (f32.const -1))
        (block $lookDone
          (loop $nextReference
            (br_if $lookDone (i32.ge_u (local.get $at) (local.get $lookEnd)))
            (local.set $cosine (f32.load (local.get $at)))
            (local.set $best (select (local.get $cosine) (local.get $best)
              (f32.gt (local.get $cosine) (local.get $best))))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (br $nextReference)))
        (f32.store (local.get $out) (local.get $best))
        (local.set $ends (i32.add (local.get $ends) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (br $nextLook)))))
