;; Regions of pictures resized to squares, as taps.ts says which source values make up a value. 128-bit SIMD.
;;
;; First rows are mixed (values of 0 … 255 times weights of 14 bits, kept with 7 bits behind the point: 16 bits with a
;; sign), then values of a row. Products of pairs are added by i32x4.dot_i16x8_s (pmaddwd on x64, smull and saddlp on
;; arm64). Weights behind the last of a value are zero, so that reading beyond it is harmless.
;;
;; `node scripts/wasm.ts` compiles this file to generated/sampling.ts.
(module
  (import "pictures" "memory" (memory 1))

  ;; One row of $length values (16 bits) out of $taps rows (bytes) from $source on, $stride bytes apart.
  (func $mixRows
    (param $source i32) (param $stride i32) (param $weights i32) (param $taps i32) (param $length i32) (param $out i32)
    (local $end i32) (local $row i32) (local $weight i32) (local $weightEnd i32) (local $pair v128)
    (local $a v128) (local $b v128) (local $low v128) (local $high v128)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local.set $end (i32.add (local.get $source) (local.get $length)))
    (local.set $weightEnd (i32.add (local.get $weights) (i32.shl (local.get $taps) (i32.const 1))))
    (loop $sixteenValues
      (local.set $sum0 (v128.const i32x4 64 64 64 64))
      (local.set $sum1 (v128.const i32x4 64 64 64 64))
      (local.set $sum2 (v128.const i32x4 64 64 64 64))
      (local.set $sum3 (v128.const i32x4 64 64 64 64))
      (local.set $row (local.get $source))
      (local.set $weight (local.get $weights))
      (loop $twoRows
        (local.set $pair (v128.load32_splat (local.get $weight)))
        (local.set $a (v128.load (local.get $row)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (local.set $b (v128.load (local.get $row)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (local.set $low (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
        (local.set $high (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $a) (local.get $b)))
        (local.set $sum0 (i32x4.add (local.get $sum0)
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $low)) (local.get $pair))))
        (local.set $sum1 (i32x4.add (local.get $sum1)
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $low)) (local.get $pair))))
        (local.set $sum2 (i32x4.add (local.get $sum2)
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $high)) (local.get $pair))))
        (local.set $sum3 (i32x4.add (local.get $sum3)
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $high)) (local.get $pair))))
        (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
        (br_if $twoRows (i32.lt_u (local.get $weight) (local.get $weightEnd))))
      (v128.store (local.get $out) (i16x8.narrow_i32x4_s
        (i32x4.shr_s (local.get $sum0) (i32.const 7)) (i32x4.shr_s (local.get $sum1) (i32.const 7))))
      (v128.store offset=16 (local.get $out) (i16x8.narrow_i32x4_s
        (i32x4.shr_s (local.get $sum2) (i32.const 7)) (i32x4.shr_s (local.get $sum3) (i32.const 7))))
      (local.set $source (i32.add (local.get $source) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (br_if $sixteenValues (i32.lt_u (local.get $source) (local.get $end)))))

  ;; Three rows of 16 bits, $plane bytes apart, out of one of $pixels pixels of three values.
  (func $split (param $row i32) (param $pixels i32) (param $out i32) (param $plane i32)
    (local $end i32) (local $a v128) (local $b v128) (local $c v128)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $pixels) (i32.const 1))))
    (loop $eightPixels
      (local.set $a (v128.load (local.get $row)))
      (local.set $b (v128.load offset=16 (local.get $row)))
      (local.set $c (v128.load offset=32 (local.get $row)))
      (v128.store (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 20 21 26 27
        (i8x16.shuffle 0 1 6 7 12 13 18 19 24 25 30 31 0 1 0 1 (local.get $a) (local.get $b)) (local.get $c)))
      (v128.store (i32.add (local.get $out) (local.get $plane))
        (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 16 17 22 23 28 29
        (i8x16.shuffle 2 3 8 9 14 15 20 21 26 27 0 1 0 1 0 1 (local.get $a) (local.get $b)) (local.get $c)))
      (v128.store (i32.add (local.get $out) (i32.shl (local.get $plane) (i32.const 1)))
        (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 18 19 24 25 30 31
        (i8x16.shuffle 4 5 10 11 16 17 22 23 28 29 0 1 0 1 0 1 (local.get $a) (local.get $b)) (local.get $c)))
      (local.set $row (i32.add (local.get $row) (i32.const 48)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $eightPixels (i32.lt_u (local.get $out) (local.get $end)))))

  ;; $count bytes (a multiple of 4) out of a row of 16 bits; $firsts: their first values, $step: bytes of their weights.
  (func $mixValues
    (param $row i32) (param $firsts i32) (param $weights i32) (param $step i32) (param $count i32) (param $out i32)
    (local $end i32) (local $at i32)
    (local $p0 i32) (local $p1 i32) (local $p2 i32) (local $p3 i32)
    (local $w0 i32) (local $w1 i32) (local $w2 i32) (local $w3 i32)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local.set $end (i32.add (local.get $out) (local.get $count)))
    (local.set $w0 (local.get $weights))
    (loop $fourValues
      (local.set $p0 (i32.add (local.get $row) (i32.shl (i32.load (local.get $firsts)) (i32.const 1))))
      (local.set $p1 (i32.add (local.get $row) (i32.shl (i32.load offset=4 (local.get $firsts)) (i32.const 1))))
      (local.set $p2 (i32.add (local.get $row) (i32.shl (i32.load offset=8 (local.get $firsts)) (i32.const 1))))
      (local.set $p3 (i32.add (local.get $row) (i32.shl (i32.load offset=12 (local.get $firsts)) (i32.const 1))))
      (local.set $w1 (i32.add (local.get $w0) (local.get $step)))
      (local.set $w2 (i32.add (local.get $w1) (local.get $step)))
      (local.set $w3 (i32.add (local.get $w2) (local.get $step)))
      (local.set $sum0 (v128.const i32x4 0 0 0 0))
      (local.set $sum1 (v128.const i32x4 0 0 0 0))
      (local.set $sum2 (v128.const i32x4 0 0 0 0))
      (local.set $sum3 (v128.const i32x4 0 0 0 0))
      (local.set $at (i32.const 0))
      (loop $eightTaps
        (local.set $sum0 (i32x4.add (local.get $sum0) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $p0) (local.get $at))) (v128.load (i32.add (local.get $w0) (local.get $at))))))
        (local.set $sum1 (i32x4.add (local.get $sum1) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $p1) (local.get $at))) (v128.load (i32.add (local.get $w1) (local.get $at))))))
        (local.set $sum2 (i32x4.add (local.get $sum2) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $p2) (local.get $at))) (v128.load (i32.add (local.get $w2) (local.get $at))))))
        (local.set $sum3 (i32x4.add (local.get $sum3) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $p3) (local.get $at))) (v128.load (i32.add (local.get $w3) (local.get $at))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $eightTaps (i32.lt_u (local.get $at) (local.get $step))))
      ;; Lanes of two sums interleaved and added: [A02 B02 A13 B13].
      (local.set $sum0 (i32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $sum0) (local.get $sum1))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $sum0) (local.get $sum1))))
      (local.set $sum2 (i32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $sum2) (local.get $sum3))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $sum2) (local.get $sum3))))
      (local.set $sum0 (i32x4.shr_s
        (i32x4.add
          (i32x4.add
            (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $sum0) (local.get $sum2))
            (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $sum0) (local.get $sum2)))
          (v128.const i32x4 1048576 1048576 1048576 1048576))
        (i32.const 21)))
      (local.set $sum0 (i16x8.narrow_i32x4_s (local.get $sum0) (local.get $sum0)))
      (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum0) (local.get $sum0)))
      (local.set $w0 (i32.add (local.get $w3) (local.get $step)))
      (local.set $firsts (i32.add (local.get $firsts) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 4)))
      (br_if $fourValues (i32.lt_u (local.get $out) (local.get $end)))))

  ;; Lines $line … $lastLine - 1 of a plane, or of three where there are three $channels, $outPlane bytes apart.
  ;; $source is the source's row $firstRow, of $length bytes. $rows…: taps of lines, with their numbers in $rowTaps;
  ;; $firsts, $weights, $step: taps of values, of which there are $count a line. $between: room for rows of 16 bits,
  ;; of which one has $betweenBytes.
  (func (export "resize")
    (param $source i32) (param $stride i32) (param $length i32) (param $firstRow i32) (param $channels i32)
    (param $rowFirsts i32) (param $rowTaps i32) (param $rowWeights i32) (param $rowStep i32)
    (param $line i32) (param $lastLine i32)
    (param $firsts i32) (param $weights i32) (param $step i32) (param $count i32)
    (param $between i32) (param $betweenBytes i32) (param $out i32) (param $outStride i32) (param $outPlane i32)
    (local $to i32) (local $planes i32) (local $channel i32)
    (local.set $planes (i32.add (local.get $between) (i32.mul (local.get $betweenBytes) (i32.const 3))))
    (block $done
      (loop $nextLine
        (br_if $done (i32.ge_u (local.get $line) (local.get $lastLine)))
        (call $mixRows
          (i32.add (local.get $source) (i32.mul (local.get $stride) (i32.sub
            (i32.load (i32.add (local.get $rowFirsts) (i32.shl (local.get $line) (i32.const 2)))) (local.get $firstRow))))
          (local.get $stride)
          (i32.add (local.get $rowWeights) (i32.mul (local.get $line) (local.get $rowStep)))
          (i32.load (i32.add (local.get $rowTaps) (i32.shl (local.get $line) (i32.const 2))))
          (local.get $length) (local.get $between))
        (local.set $to (i32.add (local.get $out) (i32.mul (local.get $line) (local.get $outStride))))
        (if (i32.eq (local.get $channels) (i32.const 1))
          (then
            (call $mixValues (local.get $between) (local.get $firsts) (local.get $weights) (local.get $step)
              (local.get $count) (local.get $to)))
          (else
            (call $split (local.get $between) (i32.div_u (local.get $length) (i32.const 3)) (local.get $planes)
              (local.get $betweenBytes))
            (local.set $channel (i32.const 0))
            (loop $nextChannel
              (call $mixValues
                (i32.add (local.get $planes) (i32.mul (local.get $channel) (local.get $betweenBytes)))
                (local.get $firsts) (local.get $weights) (local.get $step) (local.get $count)
                (i32.add (local.get $to) (i32.mul (local.get $channel) (local.get $outPlane))))
              (local.set $channel (i32.add (local.get $channel) (i32.const 1)))
              (br_if $nextChannel (i32.lt_u (local.get $channel) (i32.const 3))))))
        (local.set $line (i32.add (local.get $line) (i32.const 1)))
        (br $nextLine))))

  ;; Eight pixels of red, green and blue (the low halves) as 24 bytes.
  (func $interleave (param $red v128) (param $green v128) (param $blue v128) (param $out i32)
    (local.set $red (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $red) (local.get $green)))
    (v128.store (local.get $out)
      (i8x16.shuffle 0 1 16 2 3 17 4 5 18 6 7 19 8 9 20 10 (local.get $red) (local.get $blue)))
    (v128.store64_lane offset=16 0 (local.get $out)
      (i8x16.shuffle 11 21 12 13 22 14 15 23 0 0 0 0 0 0 0 0 (local.get $red) (local.get $blue))))

  ;; $pixels pixels of three planes at $a, $b, $c side by side; writes up to seven pixels beyond.
  (func (export "join") (param $a i32) (param $b i32) (param $c i32) (param $pixels i32) (param $out i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $a) (local.get $pixels)))
    (loop $eightPixels
      (call $interleave (v128.load64_zero (local.get $a)) (v128.load64_zero (local.get $b))
        (v128.load64_zero (local.get $c)) (local.get $out))
      (local.set $a (i32.add (local.get $a) (i32.const 8)))
      (local.set $b (i32.add (local.get $b) (i32.const 8)))
      (local.set $c (i32.add (local.get $c) (i32.const 8)))
      (local.set $out (i32.add (local.get $out) (i32.const 24)))
      (br_if $eightPixels (i32.lt_u (local.get $a) (local.get $end)))))

  ;; The same for Y, U and V: Y less $black and U and V less 128, weighed by pairs of 16 bits, 8192 being 1:
  ;; $red weighs (Y, V), $blue (Y, U), $green (Y, U) and then $greenV (V, 1: what rounds).
  (func (export "joinYuv")
    (param $y i32) (param $u i32) (param $v i32) (param $pixels i32) (param $out i32)
    (param $black i32) (param $red i32) (param $blue i32) (param $green i32) (param $greenV i32)
    (local $end i32) (local $y8 v128) (local $u8 v128) (local $v8 v128) (local $blacks v128) (local $middle v128)
    (local $redPair v128) (local $bluePair v128) (local $greenPair v128) (local $greenVPair v128)
    (local $yu0 v128) (local $yu1 v128) (local $yv0 v128) (local $yv1 v128) (local $half v128) (local $ones v128)
    (local $r v128) (local $g v128) (local $b v128)
    (local.set $end (i32.add (local.get $y) (local.get $pixels)))
    (local.set $blacks (i16x8.splat (local.get $black)))
    (local.set $middle (i16x8.splat (i32.const 128)))
    (local.set $half (i32x4.splat (i32.const 4096)))
    (local.set $ones (i16x8.splat (i32.const 1)))
    (local.set $redPair (i32x4.splat (local.get $red)))
    (local.set $bluePair (i32x4.splat (local.get $blue)))
    (local.set $greenPair (i32x4.splat (local.get $green)))
    (local.set $greenVPair (i32x4.splat (local.get $greenV)))
    (loop $eightPixels
      (local.set $y8 (i16x8.sub (v128.load8x8_u (local.get $y)) (local.get $blacks)))
      (local.set $u8 (i16x8.sub (v128.load8x8_u (local.get $u)) (local.get $middle)))
      (local.set $v8 (i16x8.sub (v128.load8x8_u (local.get $v)) (local.get $middle)))
      (local.set $yu0 (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $y8) (local.get $u8)))
      (local.set $yu1 (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $y8) (local.get $u8)))
      (local.set $yv0 (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $y8) (local.get $v8)))
      (local.set $yv1 (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $y8) (local.get $v8)))
      (local.set $r (i16x8.narrow_i32x4_s
        (i32x4.shr_s (i32x4.add (local.get $half) (i32x4.dot_i16x8_s (local.get $yv0) (local.get $redPair))) (i32.const 13))
        (i32x4.shr_s (i32x4.add (local.get $half) (i32x4.dot_i16x8_s (local.get $yv1) (local.get $redPair))) (i32.const 13))))
      (local.set $b (i16x8.narrow_i32x4_s
        (i32x4.shr_s (i32x4.add (local.get $half) (i32x4.dot_i16x8_s (local.get $yu0) (local.get $bluePair))) (i32.const 13))
        (i32x4.shr_s (i32x4.add (local.get $half) (i32x4.dot_i16x8_s (local.get $yu1) (local.get $bluePair))) (i32.const 13))))
      (local.set $g (i16x8.narrow_i32x4_s
        (i32x4.shr_s (i32x4.add (i32x4.dot_i16x8_s (local.get $yu0) (local.get $greenPair)) (i32x4.dot_i16x8_s
          (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $v8) (local.get $ones))
          (local.get $greenVPair))) (i32.const 13))
        (i32x4.shr_s (i32x4.add (i32x4.dot_i16x8_s (local.get $yu1) (local.get $greenPair)) (i32x4.dot_i16x8_s
          (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $v8) (local.get $ones))
          (local.get $greenVPair))) (i32.const 13))))
      (call $interleave
        (i8x16.narrow_i16x8_u (local.get $r) (local.get $r))
        (i8x16.narrow_i16x8_u (local.get $g) (local.get $g))
        (i8x16.narrow_i16x8_u (local.get $b) (local.get $b))
        (local.get $out))
      (local.set $y (i32.add (local.get $y) (i32.const 8)))
      (local.set $u (i32.add (local.get $u) (i32.const 8)))
      (local.set $v (i32.add (local.get $v) (i32.const 8)))
      (local.set $out (i32.add (local.get $out) (i32.const 24)))
      (br_if $eightPixels (i32.lt_u (local.get $y) (local.get $end))))))
