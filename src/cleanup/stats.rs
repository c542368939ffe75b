//! Whether a class of things holds more candidates than chance gives it.

/// Fisher's exact test, one-sided: the natural logarithm of the chance that a stratum of `size`
/// things holds `hits` or more of the `all_hits` candidates of a population of `all` things, were
/// they dealt out blindly.
///
/// In logarithms, because the chances that matter are far below what a float can hold. 0 (certain)
/// for counts that cannot be: a stratum larger than the whole, more hits than things.
#[must_use]
pub fn ln_fisher(hits: u32, size: u32, all_hits: u32, all: u32) -> f64 {
    let (k, n, hit, whole) =
        (f64::from(hits), f64::from(size), f64::from(all_hits), f64::from(all));
    if size > all || all_hits > all || hits > size || hits > all_hits || hits == 0 {
        return 0.0;
    }
    // Of the population's other things, this many must be outside: below it a term is impossible.
    let least = (n + hit - whole).max(0.0);
    let from = k.max(least);
    let to = n.min(hit);
    let mut term = ln_choose(hit, from) + ln_choose(whole - hit, n - from) - ln_choose(whole, n);
    let mut terms = vec![term];
    let mut x = from;
    while x < to {
        term += ((hit - x) * (n - x)).ln() - ((x + 1.0) * (whole - hit - n + x + 1.0)).ln();
        terms.push(term);
        x += 1.0;
    }
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|t| (t - largest).exp()).sum();
    (largest + sum.ln()).min(0.0)
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Stirling's series with four corrections, exact to a float's precision from 16 on; a product below.
fn ln_factorial(n: f64) -> f64 {
    if n < 16.0 {
        let mut product = 1.0;
        let mut i = 2.0;
        while i <= n {
            product *= i;
            i += 1.0;
        }
        return f64::ln(product);
    }
    let square = n * n;
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square)
        / n;
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fisher(hits: u32, size: u32, all_hits: u32, all: u32) -> f64 {
        ln_fisher(hits, size, all_hits, all).exp()
    }

    fn near(found: f64, wanted: f64) {
        assert!((found / wanted - 1.0).abs() < 1e-6, "{found:e} and not {wanted:e}");
    }

    /// Fisher's own example (The Design of Experiments, 1935): of eight cups, four with milk first,
    /// a lady names all four (1/70), or three of four or better (17/70).
    #[test]
    fn the_lady_tasting_tea() {
        near(fisher(4, 4, 4, 8), 1.0 / 70.0);
        near(fisher(3, 4, 4, 8), 17.0 / 70.0);
        near(fisher(1, 4, 4, 8), 69.0 / 70.0);
    }

    /// Fisher's twins (1935): of 13 monozygotic twins of convicts 10 were convicted, of 17 dizygotic
    /// ones 2: 619/1330665.
    #[test]
    fn convicted_twins() {
        near(fisher(10, 13, 12, 30), 619.0 / 1_330_665.0);
    }

    /// The fleet of cleanup.md, section 0: 5,000 gen-2 and 400 gen-1 servos, 1 % orphans.
    #[test]
    fn the_table_of_the_founding_incident() {
        let p = |share: f64| {
            let live = 396.0;
            let wrong = (live * share).round() as u32;
            fisher(4 + wrong, 400, 54 + wrong, 5400)
        };
        let about =
            |p: f64, wanted: f64| assert!((p / wanted).ln().abs() < 0.2, "{p:e}, {wanted:e}");
        about(p(0.02), 1.7e-3);
        about(p(0.05), 2e-10);
        about(p(0.10), 9e-26);
        assert!(p(0.02) > 1e-4 && p(0.05) < 1e-4, "the limit lies between 2 and 5 %");
    }

    #[test]
    fn what_no_float_can_hold_still_has_a_logarithm() {
        let ln = ln_fisher(400, 400, 450, 5400);
        assert!(ln < -800.0 && ln.is_finite(), "{ln}");
        assert!(ln_fisher(1000, 50_000, 1000, 100_000).is_finite());
    }

    #[test]
    fn what_must_be_is_certain() {
        for (hits, size, all_hits, all) in [(0, 5, 3, 9), (3, 9, 3, 9), (5, 9, 5, 9), (2, 5, 7, 10)]
        {
            near(fisher(hits, size, all_hits, all), 1.0);
        }
        near(fisher(0, 0, 0, 0), 1.0);
    }
}
