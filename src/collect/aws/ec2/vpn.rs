use crate::collect::aws::parse::{Malformed, id, parsed, text};
use crate::collect::aws::read::{Page, Read, whole};
use crate::snapshot::{VpnConnection, VpnTunnel};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeVpnConnections`, which has one page. Their configuration holds keys: it is left out.
pub(in crate::collect::aws) async fn connections(ec2: &Client) -> Read<VpnConnection> {
    let call = ec2.describe_vpn_connections().send();
    whole(Box::pin(call).await, |page| Page::of(page.vpn_connections(), connection, None))
}

fn connection(row: &types::VpnConnection) -> Result<VpnConnection, Malformed> {
    let vpn_connection_id = id("VpnConnectionId", row.vpn_connection_id())?;
    let tunnel = |t: &types::VgwTelemetry| {
        let outside_ip_address = parsed("OutsideIpAddress", t.outside_ip_address())?;
        Ok(VpnTunnel { outside_ip_address })
    };
    Ok(VpnConnection {
        vpn_gateway_id: text(row.vpn_gateway_id()),
        transit_gateway_id: text(row.transit_gateway_id()),
        state: row.state().map(|s| s.as_str().to_owned()),
        vgw_telemetry: row
            .vgw_telemetry()
            .iter()
            .map(tunnel)
            .collect::<Result<_, Malformed>>()
            .map_err(|e| e.within(&vpn_connection_id))?,
        vpn_connection_id,
    })
}
