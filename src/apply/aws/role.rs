use std::fmt;
use std::str::FromStr;

/// A role to assume: `arn:aws:iam::123456789012:role/cleanup`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleArn {
    text: String,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
}

impl FromStr for RoleArn {
    type Err = String;

    /// # Errors
    /// It is no ARN of a role.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write the ARN of a role: arn:aws:iam::123456789012:role/NAME".to_owned();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, role] = parts.as_slice() else {
            return Err(wrong());
        };
        let twelve = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let name = role.strip_prefix("role/").filter(|name| !name.is_empty());
        if !twelve || name.is_none() || !partition.starts_with("aws") {
            return Err(wrong());
        }
        Ok(Self {
            text: text.to_owned(),
            partition: (*partition).to_owned(),
            account: (*account).to_owned(),
        })
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_of_a_role_and_nothing_else() {
        let arn: RoleArn =
            "arn:aws-cn:iam::123456789012:role/path/cleanup".parse().expect("a role");
        assert_eq!((arn.partition.as_str(), arn.account.as_str()), ("aws-cn", "123456789012"));
        for wrong in [
            "cleanup",
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::12345:role/cleanup",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:sts::123456789012:assumed-role/cleanup/x",
        ] {
            assert!(wrong.parse::<RoleArn>().is_err(), "{wrong}");
        }
    }
}
