use proptest::prelude::*;

use super::*;

fn amount(text: &str) -> PicoUsd {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn exact_text_has_the_decimals_it_needs() {
    for (pico, text) in [
        (0, "0"),
        (1, "0.000000000001"),
        (12_500_000, "0.0000125"),
        (1_000_000_000_000, "1"),
        (10_000_000_000_000, "10"),
        (4_810_000_000_000, "4.81"),
    ] {
        let money = PicoUsd::from_pico(pico);
        assert_eq!(money.exact(), text);
        assert_eq!(amount(text), money);
    }
    assert_eq!(format!("{:>8}|{:<6}|", amount("4.81"), amount("2")), "    4.81|2     |");
    assert_eq!(PicoUsd::from_micro_usd(10_000), amount("0.01"));
}

#[test]
fn people_see_dollars_rounded_half_to_even() {
    for (exact, decimals, text) in [
        ("4.8132", 2, "4.81"),
        ("0.125", 2, "0.12"),
        ("0.135", 2, "0.14"),
        ("0.125000000001", 2, "0.13"),
        ("0.999", 2, "1.00"),
        ("2.5", 0, "2"),
        ("3.5", 0, "4"),
        ("0.0000125", 4, "0.0000"),
        ("0", 2, "0.00"),
        ("1.000000000001", 12, "1.000000000001"),
        ("1", 99, "1.000000000000"),
    ] {
        assert_eq!(amount(exact).usd(decimals), text, "{exact} with {decimals} decimals");
    }
}

#[test]
fn text_is_read_exactly_or_refused() {
    for (text, pico) in [
        ("00.50", 500_000_000_000),
        ("1.25e-5", 12_500_000),
        ("1E+2", 100_000_000_000_000),
        ("1000e-15", 1),
        ("3.0000000000000000", 3_000_000_000_000),
        ("0e999", 0),
    ] {
        assert_eq!(text.parse(), Ok(PicoUsd::from_pico(pico)), "{text}");
    }
    for text in
        ["", ".", ".5", "5.", "-1", "+1", "1,5", "1e", "1e1.5", "0x1", " 1", "NaN", "$1", "1e99999999999"]
    {
        assert_eq!(text.parse::<PicoUsd>(), Err(NotAnAmount::Malformed), "{text:?}");
    }
    for text in ["0.0000000000001", "1e-13", "1500e-15", "1e-2147483648"] {
        assert_eq!(text.parse::<PicoUsd>(), Err(NotAnAmount::TooFine), "{text}");
    }
    for text in ["1e27", "1e2147483647", "999999999999999999999999999999999999999999"] {
        assert_eq!(text.parse::<PicoUsd>(), Err(NotAnAmount::TooLarge), "{text}");
    }
}

#[test]
fn json_is_a_number_with_every_digit() {
    let exact = "123456789012.000000000001";
    assert_eq!(serde_json::to_string(&amount(exact)).unwrap(), exact);
    for text in [exact.to_owned(), format!("\"{exact}\""), format!(" {exact} ")] {
        assert_eq!(serde_json::from_str::<PicoUsd>(&text).unwrap(), amount(exact), "{text}");
    }
    assert_eq!(serde_json::from_str::<PicoUsd>(r#""\u0031e-6""#).unwrap(), amount("0.000001"));
    for text in ["null", "-1", "true", "{}", "\"\"", "1e-13"] {
        assert!(serde_json::from_str::<PicoUsd>(text).is_err(), "{text}");
    }
}

#[test]
fn json_values_keep_fifteen_digits() {
    let money = amount("123.000000000001");
    let value = serde_json::to_value(money).unwrap();
    assert!(value.is_number());
    assert_eq!(serde_json::from_value::<PicoUsd>(value).unwrap(), money);
}

#[test]
fn arithmetic_stays_inside_its_range() {
    let (most, one) = (PicoUsd::from_pico(u128::MAX), PicoUsd::from_pico(1));
    assert_eq!(most + one, most);
    assert_eq!(most.times(2), most);
    assert_eq!(most.scaled_ppm(1_000_001), most);
    assert_eq!(one.saturating_sub(most), PicoUsd::ZERO);
    assert_eq!(most.saturating_sub(one), PicoUsd::from_pico(u128::MAX - 1));
    assert_eq!([one, one, one].iter().sum::<PicoUsd>(), one.times(3));
    assert_eq!(most.scaled(Factor::product(u64::MAX, u32::MAX, u32::MAX)), most);
}

#[test]
fn factors_round_half_to_even() {
    for (pico, ppm, scaled) in [
        (1, 500_000, 0),
        (3, 500_000, 2),
        (5, 500_000, 2),
        (7, 500_000, 4),
        (1, 500_001, 1),
        (1, 1_499_999, 1),
        (1, 1_500_000, 2),
        (10, 0, 0),
    ] {
        assert_eq!(PicoUsd::from_pico(pico).scaled_ppm(ppm).pico(), scaled, "{pico} x {ppm} ppm");
    }
}

#[test]
fn a_product_of_factors_rounds_once() {
    let money = PicoUsd::from_pico(5);
    assert_eq!(money.scaled(Factor::product(500_000, 500_000, 1_000_000)).pico(), 1, "1.25");
    assert_eq!(money.scaled(Factor::product(1_100_000, 500_000, 1_100_000)).pico(), 3, "3.025");
    assert_eq!(money.scaled_ppm(1_100_000).scaled_ppm(500_000).scaled_ppm(1_100_000).pico(), 3);
    let (once, twice) = (
        money.scaled(Factor::product(700_000, 700_000, 1_000_000)),
        money.scaled_ppm(700_000).scaled_ppm(700_000),
    );
    assert_eq!((once.pico(), twice.pico()), (2, 3), "2.45, and 3.5 -> 4 -> 2.8");
}

/// Non-negative whole numbers of any size, little-endian base 2^32: slow, short and obviously right.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Big(Vec<u32>);

impl Big {
    fn from(n: u128) -> Self {
        Self((0..4).map(|limb| (n >> (32 * limb)) as u32).collect())
    }

    fn times(&self, n: u32) -> Self {
        let mut carry = 0;
        let mut limbs: Vec<u32> = Vec::new();
        for limb in self.0.iter().copied().chain([0]) {
            let product = u64::from(limb) * u64::from(n) + carry;
            limbs.push(product as u32);
            carry = product >> 32;
        }
        Self(limbs)
    }

    /// Times `n`, which is at most 10^18, by its digits in base 10^9.
    fn times_u64(&self, n: u64) -> Self {
        let (high, low) = ((n / 1_000_000_000) as u32, (n % 1_000_000_000) as u32);
        self.times(high).times(1_000_000_000).plus(&self.times(low))
    }

    fn plus(&self, other: &Self) -> Self {
        let mut carry = 0;
        let digit = |big: &Self, at: usize| u64::from(big.0.get(at).copied().unwrap_or(0));
        let limbs = (0..=self.0.len().max(other.0.len())).map(|at| {
            let sum = digit(self, at) + digit(other, at) + carry;
            carry = sum >> 32;
            sum as u32
        });
        Self(limbs.collect())
    }

    fn divided(&self, by: u32) -> (Self, u32) {
        let mut rest = 0_u64;
        let mut limbs = self.0.clone();
        for limb in limbs.iter_mut().rev() {
            let value = rest << 32 | u64::from(*limb);
            (*limb, rest) = ((value / u64::from(by)) as u32, value % u64::from(by));
        }
        (Self(limbs), rest as u32)
    }

    /// Divided by 10^(6n), rounded half to even.
    fn millionths(&self, n: usize) -> u128 {
        let (mut quotient, mut rests) = (self.clone(), Vec::new());
        for _ in 0..n {
            let (next, rest) = quotient.divided(1_000_000);
            quotient = next;
            rests.insert(0, rest);
        }
        assert!(quotient.0.iter().skip(4).all(|limb| *limb == 0), "fits");
        let floor = quotient.0.iter().take(4).rev().fold(0, |n, limb| n << 32 | u128::from(*limb));
        let half: Vec<u32> = [500_000].into_iter().chain(vec![0; n - 1]).collect();
        floor + u128::from(rests > half || (rests == half && floor % 2 == 1))
    }
}

proptest! {
    #[test]
    fn text_and_json_give_the_amount_back(pico in any::<u128>()) {
        let money = PicoUsd::from_pico(pico);
        prop_assert_eq!(money.exact().parse(), Ok(money));
        prop_assert_eq!(money.to_string(), money.exact());
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(&json, &money.exact());
        prop_assert_eq!(serde_json::from_str::<PicoUsd>(&json).unwrap(), money);
        prop_assert_eq!(serde_json::from_str::<PicoUsd>(&format!("\"{json}\"")).unwrap(), money);
    }

    #[test]
    fn binary_formats_keep_the_number(pico in any::<u128>()) {
        let bytes = postcard::to_stdvec(&PicoUsd::from_pico(pico)).unwrap();
        prop_assert_eq!(&bytes, &postcard::to_stdvec(&pico).unwrap());
        prop_assert_eq!(postcard::from_bytes(&bytes), Ok(PicoUsd::from_pico(pico)));
    }

    #[test]
    fn all_decimals_are_the_exact_amount(pico in any::<u128>()) {
        let money = PicoUsd::from_pico(pico);
        prop_assert_eq!(money.usd(12).parse(), Ok(money));
    }

    #[test]
    fn rounding_for_people_is_off_by_half_a_unit_at_most(pico in 0..u128::MAX / 2, decimals in 0_u32..=12) {
        let shown = amount(&PicoUsd::from_pico(pico).usd(decimals)).pico();
        prop_assert!(shown.abs_diff(pico) * 2 <= 10_u128.pow(12 - decimals));
    }

    #[test]
    fn one_factor_agrees_with_the_reference(pico in 0..10_u128.pow(24), ppm in 0..10_u64.pow(14)) {
        let expected = Big::from(pico).times_u64(ppm).millionths(1);
        prop_assert_eq!(PicoUsd::from_pico(pico).scaled_ppm(ppm).pico(), expected);
    }

    /// Small amounts and round factors, so that exact halves occur.
    #[test]
    fn three_factors_agree_with_the_reference(
        pico in prop_oneof![0..1000_u128, 0..10_u128.pow(24)],
        factors in prop::array::uniform3(prop_oneof![(0..40_u32).prop_map(|n| n * 50_000), 0..5_000_000_u32]),
    ) {
        let [a, b, c] = factors;
        let expected = Big::from(pico).times(a).times(b).times(c).millionths(3);
        let scaled = PicoUsd::from_pico(pico).scaled(Factor::product(u64::from(a), b, c));
        prop_assert_eq!(scaled.pico(), expected);
    }

    #[test]
    fn no_factor_is_the_identity(pico in any::<u128>()) {
        let money = PicoUsd::from_pico(pico);
        prop_assert_eq!(money.scaled_ppm(UNCHANGED_PPM), money);
        prop_assert_eq!(money.scaled(Factor::product(UNCHANGED_PPM, 1_000_000, 1_000_000)), money);
    }

    #[test]
    fn any_factor_is_safe(pico in any::<u128>(), ppm in any::<u64>(), b in any::<u32>(), c in any::<u32>()) {
        let money = PicoUsd::from_pico(pico);
        prop_assert!(money.scaled(Factor::product(ppm, b, c)) <= PicoUsd::from_pico(u128::MAX));
        prop_assert!(ppm < UNCHANGED_PPM || money.scaled_ppm(ppm) >= money);
    }
}
